// Files that can be dragged out of the page, into a DAW say.

/** What a file is: standard MIDI. */
const MIDI = "audio/midi";

/** What Chromium makes a file of where a drag ends outside: kind, name and whole address, parted by colons. */
export function downloadUrl(name: string, address: string): string {
  return `${MIDI}:${name.replaceAll(":", "-")}:${address}`;
}

/** Lets a link to a file carry that file; other browsers drag its address. */
export function carryFile(event: DragEvent): void {
  const link = event.currentTarget;
  if (!(link instanceof HTMLAnchorElement) || event.dataTransfer === null) return;
  event.dataTransfer.effectAllowed = "copyLink"; // as the browser has it for links, so that all take it
  event.dataTransfer.setData("DownloadURL", downloadUrl(link.download, link.href));
}
