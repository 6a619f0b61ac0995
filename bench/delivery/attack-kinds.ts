import { type Socket, connect } from 'node:net';
import { type AttackTarget, type Request, ask, blankPng, foreverLater, hold } from './attack-tools.js';
import { frame, longFrame, readFrames, upgrade } from './websocket.js';

/**
 * Inputs within the byte limits with which one address, account or socket has once stopped the service for everybody. An
 * attack sends a wave over and over until its time is up; a wave is bounded in count, and waits for its answers.
 */
export interface AttackKind {
  title: string;
  /** Sends one wave. */
  wave: (target: AttackTarget) => Promise<unknown>;
}

const list = (count: number, item: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => item(i)).join();
const times = <Result>(count: number, work: (index: number) => Promise<Result>) =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)));

const emptyConsents = `{"consents":[${list(85_000, () => '{}')}]}`;
const unknownFields = `{${list(27_000, (i) => `"f${i}":0`)}}`;
const manyLabels = `{"labels":[${list(6_000, (i) => `"00000000-0000-7000-8000-${String(i).padStart(12, '0')}"`)}]}`;
const wideTable = `email${','.repeat(99_000)}\n${'a@b.example\n'.repeat(2_000)}`;
const unknownToken = 'c2_'.padEnd(43, 'x');

export const attackKinds: Record<string, AttackKind> = {
  consents: {
    title: '8 registrations with 85,000 empty consents each',
    wave: (target) => times(8, () => ask(target, json('POST', '/api/subscribers', emptyConsents))),
  },
  joining: {
    title: '8 acceptances of an invitation with 85,000 empty consents each',
    wave: (target) =>
      times(8, () => ask(target, json('POST', `/api/invitations/by-code/${target.code}/acceptance`, emptyConsents))),
  },
  fields: {
    title: '8 sign-ins with 27,000 unknown fields each',
    wave: (target) => times(8, () => ask(target, json('POST', '/api/sessions', unknownFields))),
  },
  events: {
    title: '240 events of 60 KB with 6,000 unknown fields, over 20 sockets of one customer',
    wave: async (target) => {
      const body = `{${list(6_000, (i) => `"k${i}":1`)}}`;
      await times(20, async () => {
        const socket = await connected(target, target.customerToken);
        for (let event = 0; event < 12; event++)
          socket.write(longFrame(`42${event}["message.send",${body}]`), 'latin1');
        await hold(socket, 2_000, 12);
      });
    },
  },
  labels: {
    title: '8 changes of a contact with 6,000 labels each',
    wave: (target) =>
      times(8, () => ask(target, json('PATCH', `/api/contacts/${target.contactId}`, manyLabels, target.shopToken))),
  },
  connects: {
    title: '20,000 CONNECT packets with a wrong token, over one anonymous WebSocket',
    wave: async (target) => {
      const socket = await opened(target);
      const packet = frame(`40{"token":"${unknownToken}"}`);
      for (let part = 0; part < 20; part++) socket.write(packet.repeat(1_000), 'latin1');
      await hold(socket, 2_000, 20_000);
    },
  },
  tokens: {
    title: '3,000 requests with an unknown token, pipelined over one connection',
    wave: (target) =>
      pipelined(
        target,
        3_000,
        `GET /api/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${unknownToken}\r\n\r\n`,
      ),
  },
  codes: {
    title: '3,000 look-ups of an unknown invitation, pipelined over one connection',
    wave: (target) =>
      pipelined(
        target,
        3_000,
        `GET /api/invitations/by-code/AAAAAAAAAAAA?locale=it HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      ),
  },
  'sign-ins': {
    title: '80 sign-ins by address at once',
    wave: (target) =>
      times(80, (index) =>
        ask(
          target,
          json(
            'POST',
            '/api/sessions',
            JSON.stringify({ username: `n${index}@mail.example`, password: 'tegame-7-lucertola' }),
          ),
        ),
      ),
  },
  pictures: {
    title: '12 logos of 1 × 40,000,000 pixels',
    wave: (target) =>
      times(12, () => ask(target, form('PUT', '/api/subscriber/logo', 'logo.png', blankPng(), target.shopToken))),
  },
  tables: {
    title: '3 trial imports of a table with 99,000 columns',
    wave: (target) =>
      times(3, () =>
        ask(
          target,
          form('POST', '/api/imports', 'list.csv', Buffer.from(wideTable), target.shopToken, { dryRun: 'true' }),
        ),
      ),
  },
  searches: {
    title: '60 searches of the archive by one shop at once, for phrases of the commonest words',
    wave: (target) =>
      times(60, (index) => {
        const body = JSON.stringify({ q: `"non di che ${index}" il la un` });
        return ask(target, json('POST', '/api/archive/searches', body, target.shopToken));
      }),
  },
  messages: {
    title: 'messages of one account, as fast as they are taken, over 20 sockets',
    wave: (target) =>
      times(20, async () => {
        const socket = await connected(target, target.customerToken);
        for (let sent = 0; sent < 100; sent++) {
          const id = `${process.pid}-${Math.random()}`;
          const message = `{"conversationId":"${target.contactId}","clientId":"${id}","body":"x"}`;
          socket.write(frame(`42${sent}["message.send",${message}]`), 'latin1');
        }
        await hold(socket, 2_000, 100);
      }),
  },
  reading: {
    title: '40 requests at once for the conversations of one business',
    wave: (target) =>
      times(40, () => ask(target, { method: 'GET', path: '/api/conversations?limit=200', token: target.shopToken })),
  },
  'half-requests': {
    title: '500 connections that send half a request and wait',
    wave: (target) =>
      times(500, async () => {
        const socket = connect({ port: target.port, host: '127.0.0.1', localAddress: target.from });
        socket.on('error', () => undefined);
        socket.write(
          'POST /api/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
        );
        await foreverLater(socket, 1_000);
      }),
  },
};

function json(method: string, path: string, text: string, token?: string): Request {
  return { method, path, token, type: 'application/json', body: Buffer.from(text) };
}

function form(
  method: string,
  path: string,
  name: string,
  file: Buffer,
  token: string,
  fields: Record<string, string> = {},
): Request {
  const edge = 'edge-of-the-form';
  const parts = Object.entries(fields).map(
    ([field, value]) => `--${edge}\r\nContent-Disposition: form-data; name="${field}"\r\n\r\n${value}\r\n`,
  );
  const head = `--${edge}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(parts.join('') + head), file, Buffer.from(`\r\n--${edge}--\r\n`)]);
  return { method, path, token, type: `multipart/form-data; boundary=${edge}`, body };
}

/** A WebSocket on which nobody has signed in. */
async function opened(target: AttackTarget): Promise<Socket> {
  const socket = connect({ port: target.port, host: '127.0.0.1', localAddress: target.from });
  socket.on('error', () => undefined);
  const ready = new Promise<void>((resolve) => {
    readFrames(socket, (text) => {
      if (text === '2') socket.write(frame('3'), 'latin1');
      resolve();
    });
    socket.once('close', () => resolve());
  });
  socket.write(upgrade(target.port));
  await ready;
  return socket;
}

async function connected(target: AttackTarget, token: string): Promise<Socket> {
  const socket = await opened(target);
  socket.write(frame(`40{"token":"${token}"}`), 'latin1');
  await new Promise<void>((resolve) => {
    socket.once('data', () => resolve());
    socket.once('close', () => resolve());
  });
  return socket;
}

async function pipelined(target: AttackTarget, count: number, request: string): Promise<void> {
  const socket = connect({ port: target.port, host: '127.0.0.1', localAddress: target.from });
  socket.on('error', () => undefined);
  socket.write(request.repeat(count));
  await hold(socket, 3_000, count);
}
