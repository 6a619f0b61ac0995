/**
 * Loaded before the service (`node --import`), it ends the process by SIGKILL at a named point. The service knows nothing of
 * it: the points are recognised by the statements that go to PostgreSQL and the answers that go to clients.
 *
 * The order is a file, {@link KillOrder} in orders.ts: at which point, at which passing of it, and whether PostgreSQL goes
 * too. Before the process ends, what it was about to do stands in another file.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import pg from 'pg';

const folder = process.env['KILL_ORDERS'];
const orderFile = join(folder, 'order.json');

let current;
let left = 0;

/** The order that stands now. Each is counted down from its own beginning. */
function standingOrder() {
  let text;
  try {
    text = readFileSync(orderFile, 'utf8');
  } catch {
    return undefined;
  }
  const order = JSON.parse(text);
  if (current?.id !== order.id) {
    current = order;
    left = order.countdown;
  }
  return current;
}

/** @param about what was under way, for whoever looks at what is left */
function reach(point, about) {
  if (point === undefined) return;
  const order = standingOrder();
  if (order?.point !== point || --left > 0) return;
  writeFileSync(join(folder, 'passed.json'), JSON.stringify({ id: order.id, point, ...about }));
  renameSync(orderFile, join(folder, 'carried-out.json'));
  if (order.delay > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, order.delay);
  if (order.postgres) process.kill(order.postgres, 'SIGKILL');
  process.kill(process.pid, 'SIGKILL');
}

/** Statements that are committed by themselves, with the points before, within and after. */
const statements = [
  {
    text: /\bFROM append_messages?\b/,
    points: ['before-commit', 'in-commit', 'after-commit'],
    about: (values) => ({ clientIds: [values[4]].flat() }),
  },
  {
    text: /\bINSERT INTO erased\b/,
    points: ['before-key-erasure', 'in-key-erasure', 'after-key-erasure'],
    about: () => undefined,
  },
  {
    text: /\bUPDATE epoch SET number\b/,
    points: ['before-renewal', 'in-renewal', 'after-renewal'],
    about: () => undefined,
  },
  {
    text: /\bSET gone_at = clock_timestamp\b/,
    points: ['before-gone', undefined, 'after-gone'],
    about: () => undefined,
  },
  {
    text: /\bUPDATE erasure SET finished_at\b/,
    points: ['before-end', undefined, 'after-end'],
    about: () => undefined,
  },
  // Of a mail that the mail server has taken.
  {
    text: /^DELETE FROM "mail" WHERE "id"/,
    points: ['before-gone-mail', undefined, 'after-gone-mail'],
    about: () => undefined,
  },
  { text: /\bFROM raise_watermarks\b/, points: [undefined, 'in-receipt', undefined], about: () => undefined },
];

/** Statements by which a transaction is known, and the points before, within and after its commit. */
const transactions = [
  { text: /\bINSERT INTO erased_contact\b/, points: ['in-erasure', 'in-erasure-commit', 'after-erasure'] },
  { text: /\bSET cut_at = change_time\b/, points: ['in-cut', 'in-cut-commit', 'after-cut'] },
  { text: /\bDELETE FROM message WHERE ctid\b/, points: ['in-forgetting', 'in-forgetting-commit', 'after-forgetting'] },
  { text: /\bINSERT INTO broadcast_recipient\b/, points: ['in-chunk', 'in-chunk-commit', 'after-chunk'] },
  { text: /\bINSERT INTO search_entry\b/, points: ['in-index', 'in-index-commit', 'after-index'] },
  { text: /\bUPDATE message SET body = NULL\b/, points: [undefined, 'in-withdrawal', undefined] },
  { text: /\bINSERT INTO unread_mail \(account_id, since\b/, points: ['in-note', 'in-note-commit', 'after-note'] },
  { text: /\bUPDATE unread_mail SET due_at = NULL, mailed_at\b/, points: ['in-post', 'in-post-commit', 'after-post'] },
  { text: /\bUPDATE export\s+SET state = 'ready'/, points: ['before-export', 'in-export', 'after-export'] },
  { text: /\bINSERT INTO attachment_object\b/, points: ['before-file', 'in-file-commit', undefined] },
];

/** Connections whose transaction is known, with the points of its commit. */
const known = new WeakMap();

function commitOf(client, text, values) {
  if (/^(START TRANSACTION|BEGIN|ROLLBACK)\b/.test(text)) known.delete(client);
  const transaction = transactions.find((each) => each.text.test(text));
  if (transaction) known.set(client, transaction.points);
  if (/^COMMIT\b/.test(text) && known.has(client)) {
    const points = known.get(client);
    known.delete(client);
    return { points, about: undefined };
  }
  const statement = statements.find((each) => each.text.test(text));
  return statement && { points: statement.points, about: statement.about(values) };
}

const { query } = pg.Client.prototype;
pg.Client.prototype.query = function (...parameters) {
  const [statement, given] = parameters;
  const text = typeof statement === 'string' ? statement : statement?.text;
  const values = statement?.values ?? given;
  const commit = typeof text === 'string' ? commitOf(this, text.trim(), values) : undefined;
  if (!commit) return query.apply(this, parameters);
  const [before, within, after] = commit.points;
  reach(before, commit.about);
  const callback = parameters.findIndex((each) => typeof each === 'function');
  const answered = parameters[callback];
  if (answered) {
    parameters[callback] = (error, result) => {
      if (!error) reach(after, commit.about);
      answered(error, result);
    };
  }
  const answer = query.apply(this, parameters);
  // It has been handed to the socket, and nobody has waited for its answer.
  reach(within, commit.about);
  return answer?.then((result) => {
    reach(after, commit.about);
    return result;
  });
};

const ofEngine = createRequire(createRequire(import.meta.url).resolve('engine.io'));
const { WebSocket } = ofEngine('ws');
const { send } = WebSocket.prototype;
WebSocket.prototype.send = function (data, ...others) {
  const [, answer] = /^43\d+\[\{"data":(\{.*\})\}\]$/.exec(String(data)) ?? [];
  if (!answer) return send.call(this, data, ...others);
  return answering(answer === '{}' ? 'receipt' : 'ack', answer, () => send.call(this, data, ...others));
};

const answers = { 'POST messages': 'ack', 'PUT receipt': 'receipt', 'POST broadcasts': 'answer' };
const { end } = ServerResponse.prototype;
ServerResponse.prototype.end = function (...parameters) {
  const kind = this.statusCode < 300 ? answers[`${this.req.method} ${this.req.url.split('/').at(-1)}`] : undefined;
  if (!kind) return end.apply(this, parameters);
  return answering(kind, String(parameters[0] || '{}'), () => end.apply(this, parameters));
};

/** @param kind `ack` of a message, `receipt`, or `answer` to a broadcast */
function answering(kind, answer, write) {
  const about = { answer: JSON.parse(answer) };
  if (kind !== 'receipt') reach(`before-${kind}`, about);
  const written = write();
  // It leaves at the end of this turn, with what else is written in it.
  if (kind !== 'answer') queueMicrotask(() => reach(`after-${kind}`, about));
  return written;
}

/** Bytes of a file that comes in are being written. */
const { FileHandle } = await fileHandles();
const { writev } = FileHandle.prototype;
FileHandle.prototype.writev = async function (...parameters) {
  const written = await writev.apply(this, parameters);
  reach('in-upload');
  return written;
};

async function fileHandles() {
  const handle = await open(process.execPath);
  await handle.close();
  return { FileHandle: handle.constructor };
}
