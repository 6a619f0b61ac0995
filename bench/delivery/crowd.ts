// A process of its own: many devices that listen, and do nothing but answer the server's pings.
import { type Socket, connect } from 'node:net';
import { frame, readFrames, upgrade } from './websocket.js';

export type CrowdCommand =
  | { kind: 'connect'; port: number; tokens: string[] }
  | { kind: 'disconnect' }
  /** Asks to be told when so many messages have been heard, counted from now on. */
  | { kind: 'listen'; messages: number };
export type CrowdReport =
  { kind: 'connected' } | { kind: 'disconnected' } | { kind: 'listening' } | { kind: 'heard' } | { kind: 'lost' };

const atOnce = 100;

let sockets: Socket[] = [];
let awaited = Infinity;

process.on('message', (command: CrowdCommand) => {
  switch (command.kind) {
    case 'connect':
      return void connectAll(command.port, command.tokens).then(() => tell('connected'));
    case 'disconnect':
      return disconnectAll();
    case 'listen':
      awaited = command.messages;
      return tell('listening');
  }
});
process.once('disconnect', () => process.exit());

function tell(kind: CrowdReport['kind']): void {
  process.send!({ kind });
}

async function connectAll(port: number, tokens: string[]): Promise<void> {
  for (let start = 0; start < tokens.length; start += atOnce) {
    await Promise.all(tokens.slice(start, start + atOnce).map((token) => connectOne(port, token)));
  }
}

function connectOne(port: number, token: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    sockets.push(socket);
    socket.on('error', reject);
    socket.once('close', () => sockets.includes(socket) && tell('lost'));
    readFrames(socket, (text) => {
      if (text.startsWith('42["message.sent"')) {
        if (--awaited === 0) tell('heard');
      } else if (text === '2') socket.write(frame('3'), 'latin1');
      else if (text.startsWith('0')) socket.write(frame(`40{"token":"${token}"}`), 'latin1');
      else if (text.startsWith('40')) resolve();
      else if (text.startsWith('44')) reject(new Error(text));
    });
    socket.write(upgrade(port));
  });
}

function disconnectAll(): void {
  for (const socket of sockets.splice(0)) socket.destroy();
  sockets = [];
  tell('disconnected');
}
