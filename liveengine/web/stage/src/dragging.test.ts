// Dragging files: what Chromium reads of a drag has no colon but the two that part it.
import { expect, test } from "vitest";
import { downloadUrl } from "./dragging";

test("a drag says kind, name and address", () => {
  expect(downloadUrl("capture-1.mid", "http://127.0.0.1:8765/api/v1/live/captures/capture-1.mid")).toBe(
    "audio/midi:capture-1.mid:http://127.0.0.1:8765/api/v1/live/captures/capture-1.mid",
  );
});

test("a colon of a name is no end of it", () => {
  expect(downloadUrl("12:30.mid", "http://localhost/x")).toBe("audio/midi:12-30.mid:http://localhost/x");
});
