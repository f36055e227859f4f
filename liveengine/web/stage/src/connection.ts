// The page's end of the WebSocket: joins, joins again, asks for the time, and brings commands and answers together.
import { say } from "./language";
import type { Messages, ToEngine, ToPage } from "./messages";

/** What this page was made for; a type error here means that the schema has changed. */
export const VERSION: Messages["version"] = 1;
const PING_MS = 1000;
/** At first the page is busy, and answers wait: it asks often until some did not. */
const FIRST_PINGS_MS = Array.from({ length: 20 }, (_, nth) => nth * 100);
const TRY_AGAIN_MS = [250, 500, 1000, 2000];
/** An engine that has said nothing for so long is gone: it tells figures twice a second. */
const SILENT_MS = 4000;
/** A command without an answer for so long is not waited for any more. */
const ANSWER_MS = 6000;
/** No command has more values. */
const MOST_VALUES = 5;

export type Value = string | number | boolean | null;

/** What the connection tells of itself. */
export interface Hearing {
  message(message: ToPage): void;
  joined(open: boolean): void;
}

/** One WebSocket to the engine, for as long as the page is open. */
export class Connection {
  private socket: WebSocket | null = null;
  private tries = 0;
  private asked = 0;
  private heardMs = 0;
  private readonly waiting = new Map<number, (wrong: string | null) => void>();

  constructor(
    private readonly address: string,
    private readonly hearing: Hearing,
  ) {}

  /** Joins, and never gives up. */
  open(): void {
    const socket = new WebSocket(this.address);
    this.socket = socket;
    this.heardMs = performance.now();
    socket.onopen = () => {
      this.heardMs = performance.now();
      this.hearing.joined(true);
      for (const afterMs of FIRST_PINGS_MS) setTimeout(() => this.ping(), afterMs);
    };
    socket.onmessage = (event: MessageEvent<string>) => {
      this.heardMs = performance.now();
      this.tries = 0; // a page too many is let in as well, and sent away without a word
      const message = JSON.parse(event.data) as ToPage;
      if (message.type === "answer" && message.id !== null) this.answered(message.id, message.wrong);
      else this.hearing.message(message);
    };
    socket.onclose = () => this.lost(socket);
  }

  /** Asks for the time now and then, and leaves an engine that has fallen silent. */
  keep(): void {
    setInterval(() => {
      this.ping();
      const silent = performance.now() - this.heardMs > SILENT_MS;
      if (this.socket !== null && silent) this.lost(this.socket);
    }, PING_MS);
  }

  /** Turns a control or does something; what is wrong with it, or null once it is applied. */
  turn(name: string, ...values: Value[]): Promise<string | null> {
    const id = ++this.asked;
    return new Promise((resolve) => {
      if (!this.say({ type: "turn", id, name, values: values.slice(0, MOST_VALUES) as [] })) {
        resolve(say("trouble.unreachable"));
        return;
      }
      const timer = setTimeout(() => this.answered(id, say("trouble.unanswered")), ANSWER_MS);
      this.waiting.set(id, (wrong) => {
        clearTimeout(timer);
        resolve(wrong);
      });
    });
  }

  /** Sends what is tapped, for the drummer to hear; tells whether it could. */
  tap(velocity: number, at_us: number | null): boolean {
    return this.say({ type: "tap", velocity, at_us });
  }

  private ping(): void {
    this.say({ type: "ping", sent_ms: performance.now() });
  }

  private say(message: ToEngine): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  private answered(id: number, wrong: string | null): void {
    this.waiting.get(id)?.(wrong);
    this.waiting.delete(id);
  }

  private lost(socket: WebSocket): void {
    if (this.socket !== socket) return;
    this.socket = null;
    socket.close();
    for (const resolve of this.waiting.values()) resolve(say("trouble.gone"));
    this.waiting.clear();
    this.hearing.joined(false);
    setTimeout(() => this.open(), TRY_AGAIN_MS[Math.min(this.tries++, TRY_AGAIN_MS.length - 1)]);
  }
}

/** The address of the engine's socket, beside the page's own. */
export function socketAddress(page: { protocol: string; host: string }): string {
  return `${page.protocol === "https:" ? "wss" : "ws"}://${page.host}/api/v1/live/stage`;
}
