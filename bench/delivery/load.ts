// A process of its own: connects the devices of many pairs, and lets one of each pair write to the other.
import { performance } from 'node:perf_hooks';
import { type ColloquioLogin, connectToColloquio } from './colloquio-device.js';
import type { Device, Hearing } from './devices.js';
import type { Command, Login, LoadReport, Run } from './load-process.js';
import { sentAtOf, textOf } from './text.js';
import { type XmppLogin, connectToXmpp } from './xmpp-device.js';

interface Writer {
  device: Device;
  next: number;
}

const atOnce = 50;
const drainMilliseconds = 10_000;

const writers: Writer[] = [];
let underWay = 0;
let finished = 0;
let failures = 0;
let delays: number[] = [];
let measuring = false;
let [measuredFrom, measuredTo] = [Infinity, Infinity];
/** Called when a message is finished; in a closed loop it is followed by the next one. */
let goOn: (writer: Writer) => void = () => undefined;

process.on('message', (command: Command) => {
  const done = command.kind === 'connect' ? connectAll(command.pairs) : measure(command.run);
  done.then(tell, (error: Error) => tell({ kind: 'failed', reason: error.message }));
});
process.once('disconnect', () => process.exit());

function tell(report: LoadReport): void {
  process.send!(report);
}

async function connectAll(pairs: [writer: Login, reader: Login][]): Promise<LoadReport> {
  for (let start = 0; start < pairs.length; start += atOnce) {
    await Promise.all(
      pairs.slice(start, start + atOnce).map(async ([writing, reading]) => {
        const writer: Writer = { device: undefined!, next: 0 };
        writer.device = await connectOne(writing, hearingOf(writer));
        await connectOne(reading, hearingOf(writer));
        writers.push(writer);
      }),
    );
  }
  return { kind: 'connected' };
}

function connectOne(login: Login, hearing: Hearing): Promise<Device> {
  return 'token' in login
    ? connectToColloquio(login satisfies ColloquioLogin, hearing)
    : connectToXmpp(login satisfies XmppLogin, hearing);
}

function hearingOf(writer: Writer): Hearing {
  return {
    received: (text) => {
      const sentAt = sentAtOf(text);
      // A message that is sent while it is measured counts, however late it comes.
      if (sentAt >= measuredFrom && sentAt < measuredTo) delays.push(performance.now() - sentAt);
    },
    finished: () => {
      underWay--;
      if (measuring) finished++;
      goOn(writer);
    },
    failed: (reason) => {
      if (failures++ === 0) console.error(`A client was told: ${reason.slice(0, 500)}`);
    },
  };
}

function write(writer: Writer): void {
  underWay++;
  writer.device.send(writer.next++, textOf(performance.now()));
}

async function measure({ window, rate, warmUpSeconds, seconds }: Run): Promise<LoadReport> {
  failures = 0;
  delays = [];
  [measuredFrom, measuredTo] = [Infinity, Infinity];
  finished = 0;
  const stop = window === undefined ? writeSteadily(rate!) : writeInClosedLoop(window);
  await pause(warmUpSeconds * 1000);
  measuring = true;
  const before = process.cpuUsage();
  const began = (measuredFrom = performance.now());
  tell({ kind: 'measuring' });
  await pause(seconds * 1000);
  measuring = false;
  const lasted = ((measuredTo = performance.now()) - began) / 1000;
  const { user, system } = process.cpuUsage(before);
  tell({ kind: 'measured' });
  stop();
  for (const deadline = Date.now() + drainMilliseconds; underWay > 0 && Date.now() < deadline;) await pause(20);
  const lost = underWay;
  underWay = 0;
  delays.sort((a, b) => a - b);
  const percentile = (part: number) => delays[Math.min(delays.length - 1, Math.floor(delays.length * part))] ?? NaN;
  const clientSeconds = (user + system) / 1e6;
  const times = { median: percentile(0.5), p90: percentile(0.9), p99: percentile(0.99), longest: percentile(1) };
  return { kind: 'done', result: { finished, seconds: lasted, failures, lost, clientSeconds, delays: times } };
}

/** Every writer has so many messages under way, always. */
function writeInClosedLoop(window: number): () => void {
  goOn = write;
  for (const writer of writers) for (let i = 0; i < window; i++) write(writer);
  return () => void (goOn = () => undefined);
}

/** At fixed times, one writer after the other, whether or not the earlier ones have been answered. */
function writeSteadily(rate: number): () => void {
  goOn = () => undefined;
  const began = performance.now();
  let written = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - began) / 1000) * rate;
    while (written < due) write(writers[written++ % writers.length]!);
  }, 1);
  return () => clearInterval(timer);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
