// The page's end of the WebSocket: commands and answers, a lost connection, joining again, and silence.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Connection, socketAddress } from "./connection";
import type { Answer, ToEngine, ToPage } from "./messages";
import { TIME_MAP } from "./samples";

const ADDRESS = "ws://stage.example/api/v1/live/stage";
const PAUSES_MS = [250, 500, 1000, 2000, 2000, 2000];
const SILENT_MS = 4000;

/** As a browser's, but for the network: what is sent is kept, and the test is the engine. */
class FakeSocket {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  static made: FakeSocket[] = [];

  readyState = FakeSocket.CONNECTING;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly sent: ToEngine[] = [];

  constructor(readonly address: string) {
    FakeSocket.made.push(this);
  }

  send(text: string): void {
    if (this.readyState !== FakeSocket.OPEN) throw new Error(`sent to a socket in state ${this.readyState}`);
    this.sent.push(JSON.parse(text) as ToEngine);
  }

  /** Closed by the page: the browser says so later. */
  close(): void {
    if (this.readyState >= FakeSocket.CLOSING) return;
    this.readyState = FakeSocket.CLOSING;
    setTimeout(() => this.goes(), 5);
  }

  /** The engine accepts. */
  opens(): this {
    this.readyState = FakeSocket.OPEN;
    this.onopen?.();
    return this;
  }

  /** The engine speaks; what comes while the socket closes is dropped, as browsers do. */
  says(message: ToPage): void {
    if (this.readyState === FakeSocket.OPEN) this.onmessage?.({ data: JSON.stringify(message) });
  }

  /** The engine goes, or never was there. */
  goes(): void {
    this.readyState = FakeSocket.CLOSED;
    this.onclose?.();
  }

  get turns() {
    return this.sent.filter((message) => message.type === "turn");
  }

  get pings() {
    return this.sent.filter((message) => message.type === "ping");
  }
}

let received: ToPage[];
let joined: boolean[];
let connection: Connection;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  FakeSocket.made = [];
  received = [];
  joined = [];
  connection = new Connection(ADDRESS, {
    message: (message) => received.push(message),
    joined: (open) => joined.push(open),
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function newest(): FakeSocket {
  const socket = FakeSocket.made.at(-1);
  if (socket === undefined) throw new Error("no socket was made");
  return socket;
}

function join(): FakeSocket {
  connection.open();
  return newest().opens();
}

function answer(id: number | null, wrong: string | null = null): Answer {
  return { type: "answer", id, wrong };
}

const FIGURES: ToPage = TIME_MAP;

/** What a promise has come to, or that it still waits. */
async function state(promise: Promise<string | null>): Promise<string | null> {
  return Promise.race([promise, Promise.resolve().then(() => "waits")]);
}

test("the socket lies beside the page, as safe as the page itself", () => {
  expect(socketAddress({ protocol: "http:", host: "10.0.0.7:8765" })).toBe(
    "ws://10.0.0.7:8765/api/v1/live/stage",
  );
  expect(socketAddress({ protocol: "https:", host: "stage.example" })).toBe(
    "wss://stage.example/api/v1/live/stage",
  );
});

test("it says that it has joined once the engine accepts, not before", () => {
  connection.open();
  expect(newest().address).toBe(ADDRESS);
  expect(joined).toEqual([]);
  newest().opens();
  expect(joined).toEqual([true]);
});

test("it asks for the time ten times a second at first, and says when it has asked", () => {
  const socket = join();
  const beganMs = performance.now();
  vi.advanceTimersByTime(350);
  expect(socket.pings.map((ping) => Math.round(ping.sent_ms - beganMs))).toEqual([0, 100, 200, 300]);
  vi.advanceTimersByTime(5000);
  expect(socket.pings).toHaveLength(20); // nobody has asked it to keep on
});

test("it keeps asking once a second", () => {
  const socket = join();
  connection.keep();
  for (let second = 0; second < 20; second++) {
    vi.advanceTimersByTime(1000);
    socket.says(FIGURES);
  }
  expect(socket.pings).toHaveLength(20 + 20);
});

test("a command goes out with its name, its values and a number of its own", async () => {
  const socket = join();
  void connection.turn("density", 0.5);
  void connection.turn("scene", "verse", 4);
  void connection.turn("fill");
  void connection.turn("swing_percent", null);
  expect(socket.turns).toMatchObject([
    { name: "density", values: [0.5] },
    { name: "scene", values: ["verse", 4] },
    { name: "fill", values: [] },
    { name: "swing_percent", values: [null] },
  ]);
  expect(new Set(socket.turns.map((turn) => turn.id)).size).toBe(4);
});

test("each command has its own answer, in whichever order they come", async () => {
  const socket = join();
  const [fill, blend, undo] = ["fill", "blend", "undo"].map((name) => connection.turn(name));
  const [fillId = 0, blendId = 0, undoId = 0] = socket.turns.map((turn) => turn.id);
  socket.says(answer(undoId, "nothing to undo"));
  await expect(undo).resolves.toBe("nothing to undo");
  socket.says(answer(fillId));
  await expect(fill).resolves.toBeNull();
  expect(await state(blend as Promise<string | null>)).toBe("waits");
  socket.says(answer(blendId, "blend: expected 0 to 1, got 2"));
  await expect(blend).resolves.toBe("blend: expected 0 to 1, got 2");
});

test("an answer to nobody, or a second one, changes nothing", async () => {
  const socket = join();
  const fill = connection.turn("fill");
  const id = socket.turns[0]?.id ?? 0;
  socket.says(answer(null, "message: expected an object"));
  socket.says(answer(id + 1, "not yours"));
  expect(await state(fill)).toBe("waits");
  socket.says(answer(id));
  socket.says(answer(id, "too late"));
  await expect(fill).resolves.toBeNull();
});

test("what the engine tells is passed on, answers are not", () => {
  const socket = join();
  void connection.turn("fill");
  socket.says(FIGURES);
  socket.says(answer(socket.turns[0]?.id ?? 0));
  expect(received).toEqual([FIGURES]);
});

test("a command without a connection is answered with a sentence at once, and never sent later", async () => {
  await expect(connection.turn("fill")).resolves.toMatch(/cannot be reached\.$/);
  connection.open();
  await expect(connection.turn("fill")).resolves.toMatch(/cannot be reached\.$/);
  expect(newest().opens().turns).toEqual([]);
});

test("a lost connection answers all that waits with a sentence", async () => {
  const socket = join();
  const waiting = ["fill", "density", "undo"].map((name) => connection.turn(name));
  const answered = connection.turn("break");
  socket.says(answer(socket.turns[3]?.id ?? 0));
  socket.goes();
  expect(joined).toEqual([true, false]);
  for (const each of waiting) await expect(each).resolves.toMatch(/has gone.*\.$/);
  await expect(answered).resolves.toBeNull();
  await expect(connection.turn("fill")).resolves.toMatch(/cannot be reached\.$/);
});

test("a tap goes out at once and waits for no answer; without a connection it is not sent", () => {
  const socket = join();
  expect(connection.tap(96, 1234.5)).toBe(true);
  expect(socket.sent.filter((message) => message.type === "tap")).toEqual([
    { type: "tap", velocity: 96, at_us: 1234.5 },
  ]);
  socket.goes();
  expect(connection.tap(96, null)).toBe(false);
});

test("it joins again with growing pauses, and never gives up", () => {
  connection.open();
  for (const [tries, pauseMs] of PAUSES_MS.entries()) {
    expect(FakeSocket.made).toHaveLength(tries + 1);
    newest().goes();
    vi.advanceTimersByTime(pauseMs - 1);
    expect(FakeSocket.made).toHaveLength(tries + 1);
    vi.advanceTimersByTime(1);
    expect(FakeSocket.made).toHaveLength(tries + 2);
  }
  newest().opens();
  expect(joined.at(-1)).toBe(true);
});

test("once it has joined, the next pause is short again", () => {
  connection.open();
  for (const pauseMs of PAUSES_MS) {
    newest().goes();
    vi.advanceTimersByTime(pauseMs);
  }
  newest().opens().says(FIGURES);
  const tries = FakeSocket.made.length;
  newest().goes();
  vi.advanceTimersByTime(250);
  expect(FakeSocket.made).toHaveLength(tries + 1);
});

test("commands and answers go on over the new socket", async () => {
  const first = join();
  first.goes();
  vi.advanceTimersByTime(250);
  const second = newest().opens();
  expect(second).not.toBe(first);
  const fill = connection.turn("fill");
  expect(first.turns).toEqual([]);
  second.says(answer(second.turns[0]?.id ?? 0));
  await expect(fill).resolves.toBeNull();
  expect(joined).toEqual([true, false, true]);
});

test("an engine that has fallen silent is left, and joined again", async () => {
  const socket = join();
  connection.keep();
  socket.says(FIGURES);
  const fill = connection.turn("fill");
  vi.advanceTimersByTime(SILENT_MS);
  expect(joined).toEqual([true]);
  vi.advanceTimersByTime(1000);
  expect(joined).toEqual([true, false]);
  await expect(fill).resolves.toMatch(/has gone.*\.$/);
  expect(socket.readyState).toBeGreaterThanOrEqual(FakeSocket.CLOSING);
  vi.advanceTimersByTime(250);
  expect(FakeSocket.made).toHaveLength(2);
});

test("an engine that says something every two seconds is kept", () => {
  const socket = join();
  connection.keep();
  for (let saying = 0; saying < 30; saying++) {
    vi.advanceTimersByTime(2000);
    socket.says(FIGURES);
  }
  expect(FakeSocket.made).toHaveLength(1);
  expect(joined).toEqual([true]);
});

test("silence is counted anew for a new socket", () => {
  join();
  connection.keep();
  vi.advanceTimersByTime(SILENT_MS + 1000 + 250);
  const second = newest().opens();
  vi.advanceTimersByTime(SILENT_MS - 1000);
  second.says(FIGURES);
  expect(joined).toEqual([true, false, true]);
});

test("the old socket's end, once it comes, does not end the new one", () => {
  join();
  connection.keep();
  vi.advanceTimersByTime(SILENT_MS + 1000); // left; the browser tells of its end 5 ms later
  const old = newest();
  vi.advanceTimersByTime(250);
  const fresh = newest().opens();
  old.goes();
  expect(joined).toEqual([true, false, true]);
  expect(fresh.readyState).toBe(FakeSocket.OPEN);
  vi.advanceTimersByTime(3000);
  expect(FakeSocket.made).toHaveLength(2);
});

test("it never asks two engines at once, whatever happens to its sockets", () => {
  let state = 12345;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  connection.open();
  connection.keep();
  for (let round = 0; round < 2000; round++) {
    const socket = newest();
    const dice = random();
    if (socket.readyState === FakeSocket.CONNECTING) {
      if (dice < 0.5) socket.opens();
      else socket.goes();
    } else if (socket.readyState === FakeSocket.OPEN) {
      if (dice < 0.3) socket.goes();
      else if (dice < 0.8) socket.says(FIGURES);
    }
    vi.advanceTimersByTime(random() * 1500);
    const alive = FakeSocket.made.filter((each) => each.readyState <= FakeSocket.OPEN);
    if (alive.length > 1) expect.fail(`${alive.length} sockets in round ${round}`);
  }
  expect(FakeSocket.made.length).toBeGreaterThan(100);
  joined.forEach((open, place) => {
    if (open && joined[place - 1] === true) expect.fail("joined twice");
  });
});

// Where a network goes, a browser waits for a socket to open for a minute and more; on stage that is a song.
test("a try that hangs is given up like an engine that is silent", () => {
  connection.open();
  connection.keep();
  vi.advanceTimersByTime(10_000);
  expect(FakeSocket.made.length).toBeGreaterThan(1);
});

// As the 65th page is: accepted, and sent away at once.
test("an engine that sends the page away is asked with growing pauses, too", () => {
  connection.open();
  for (let tries = 0; tries < 4; tries++) {
    newest().opens().goes();
    vi.advanceTimersByTime(PAUSES_MS[tries] ?? 0);
  }
  newest().opens().goes();
  const made = FakeSocket.made.length;
  vi.advanceTimersByTime(1000);
  expect(FakeSocket.made).toHaveLength(made);
});
