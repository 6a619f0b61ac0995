import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import type { Problem } from '../../src/contract/errors.js';
import { operations } from '../support/api-description.js';
import type { Case, RawCase, RestCase, Sender, SocketCase } from './cases.js';

/** Target of the cases, with values for `{id}` and the like. */
export interface Target {
  host: string;
  port: number;
  tokens: Record<Exclude<Sender, 'nobody'>, string>;
  ids: { contact: string; label: string; code: string };
}

/** Longest silence of a connection, and largest answer to a refused request. */
const silentMilliseconds = 30_000;
const refusalBytes = 16 * 1024;
const answerBytes = 8 * 1024 * 1024;
/** Largest number of field errors in an answer. */
const errorsTold = 20;

/** Fault of the answer to a case, in a few words; undefined if there is none. */
export function faultOf(target: Target, each: Case): Promise<string | undefined> {
  if (each.kind === 'rest') return restFault(target, each);
  return each.kind === 'raw' ? rawFault(target, each) : socketFault(target, each);
}

const agent = new Agent({ keepAlive: true, maxSockets: 16 });
const described = new Map(operations.map((each) => [each.operationId, each]));

async function restFault(target: Target, { operationId, method, path, sender, headers, body }: RestCase) {
  const sent = request({
    host: target.host,
    port: target.port,
    method,
    path: real(target, path),
    agent,
    timeout: silentMilliseconds,
    headers: {
      ...headers,
      ...(sender !== 'nobody' && { authorization: `Bearer ${target.tokens[sender]}` }),
      ...(body !== undefined && { 'content-length': Buffer.byteLength(real(target, body)) }),
    },
  });
  sent.once('timeout', () => sent.destroy(new Error('silent')));
  const answered = new Promise<{ status: number; type: string; text: string }>((resolve, reject) => {
    sent.once('error', reject).once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject).once('end', () => {
        const type = response.headers['content-type'] ?? '';
        resolve({ status: response.statusCode!, type, text: Buffer.concat(chunks).toString() });
      });
    });
  });
  sent.end(body === undefined ? undefined : real(target, body));
  let answer: Awaited<typeof answered>;
  try {
    answer = await answered;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // A refusal may come while the rest of a large body is still on its way.
    return body !== undefined && body.length > 65_536 && code === 'EPIPE'
      ? undefined
      : `no answer (${code ?? message})`;
  }
  const { status, type, text } = answer;
  if (text.length > (status >= 400 ? refusalBytes : answerBytes)) return `${status} of ${kilobytes(text)} KB`;
  if (status < 400) return undefined;
  // Node itself answers what is no HTTP, and before there is a route.
  if ([400, 408, 431].includes(status) && text === '') return undefined;
  if (method === 'HEAD') return status < 500 ? undefined : `${status}`;
  if (!type.startsWith('application/problem+json')) return `${status} as ${type || 'nothing'}`;
  const { code, errors } = JSON.parse(text) as Problem;
  if (status >= 500 && code !== 'overloaded') return `${status} ${code}`;
  if (errors && errors.length > errorsTold) return `${errors.length} field errors at once`;
  // With an odd part a path may be another operation's.
  const { path: own, 'x-errors': codes } = described.get(operationId)!;
  if (status < 500 && path.split('?')[0] === own && !codes.includes(code)) return `${code} is not among its x-errors`;
  return undefined;
}

async function rawFault({ host, port }: Target, { pieces }: RawCase): Promise<string | undefined> {
  const socket = connect(port, host).on('error', () => undefined);
  let said = '';
  socket.on('data', (data) => (said += data.toString('latin1')));
  const closed = once(socket, 'close').then(
    () => true,
    () => true,
  );
  for (const piece of pieces) socket.write(piece);
  // What is begun may still be answered; then both sides are to be closed.
  await quiet(socket, 150);
  socket.end();
  const ended = await Promise.race([closed, pause(silentMilliseconds).then(() => false)]);
  socket.destroy();
  if (!ended) return 'a connection stays open though its sender has ended';
  if (said.length > 20 * refusalBytes) return `${kilobytes(said)} KB`;
  const statuses = [...said.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));
  const wrong = statuses.find((status) => status >= 500 && status !== 503 && status !== 505);
  return wrong === undefined ? undefined : `${wrong} ${/"code":"(\w+)"/.exec(said)?.[1] ?? ''}`;
}

async function socketFault(target: Target, { sender, packets }: SocketCase): Promise<string | undefined> {
  const socket = new WebSocket(`ws://${target.host}:${target.port}/socket.io/?EIO=4&transport=websocket`);
  let bytes = 0;
  let fault: string | undefined;
  let probed = () => {};
  const answered = new Promise<void>((resolve) => (probed = resolve));
  socket.addEventListener('message', ({ data }) => {
    const text = String(data);
    bytes += text.length;
    if (text.includes('"code":"internal"')) fault = 'internal';
    if (text.length > refusalBytes && text.includes('"error"')) fault = `an error of ${kilobytes(text)} KB`;
    if (text.startsWith('43987654321')) probed();
  });
  const closed = new Promise<void>((resolve) => {
    socket.addEventListener('close', () => resolve());
    socket.addEventListener('error', () => resolve());
  });
  const opened = new Promise<void>((resolve) => socket.addEventListener('open', () => resolve()));
  await Promise.race([opened, closed, pause(silentMilliseconds)]);
  if (socket.readyState !== WebSocket.OPEN) return socket.readyState === WebSocket.CONNECTING ? 'no handshake' : fault;
  const token = sender === 'nobody' ? undefined : target.tokens[sender];
  socket.send(`40${JSON.stringify({ token })}`);
  for (const packet of packets) {
    if (socket.readyState !== WebSocket.OPEN) break;
    socket.send(
      typeof packet === 'string'
        ? real(target, packet)
            .replaceAll('{token}', token ?? '')
            .toWellFormed()
        : new Uint8Array(packet),
    );
  }
  // A connection that is left open still answers, or is closed.
  if (socket.readyState === WebSocket.OPEN) socket.send('42987654321["no.such.event",{}]');
  const alive = await Promise.race([answered, closed, pause(silentMilliseconds).then(() => 'silent')]);
  socket.close();
  if (bytes > answerBytes) fault ??= `${Math.round(bytes / 1024)} KB`;
  // A socket whose session was refused is closed after its time for connecting.
  return fault ?? (alive === 'silent' && token !== undefined && sender !== 'stranger' ? 'a silent socket' : undefined);
}

function real({ ids }: Target, text: string): string {
  return text
    .replaceAll('{id}', ids.contact)
    .replaceAll('{contact}', ids.contact)
    .replaceAll('{label}', ids.label)
    .replaceAll('{code}', ids.code)
    .replaceAll('{seq}', '1');
}

const kilobytes = (text: string) => Math.round(text.length / 1024);
const pause = (milliseconds: number) => new Promise<void>((resolve) => void setTimeout(resolve, milliseconds).unref());

/** Waits until nothing has come for a moment. */
async function quiet(socket: NodeJS.EventEmitter, milliseconds: number): Promise<void> {
  for (let heard = true; heard;) {
    heard = false;
    const note = () => void (heard = true);
    socket.on('data', note);
    await pause(milliseconds);
    socket.off('data', note);
  }
}
