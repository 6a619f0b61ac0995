import { type Device, type Hearing, between, openSocket } from './devices.js';
import { frame, readFrames, upgrade } from './websocket.js';

export interface ColloquioLogin {
  port: number;
  token: string;
  conversationId: string;
  party: 'subscriber' | 'interlocutor';
}

/**
 * A device of Colloquio: Socket.IO (protocol 5, https://github.com/socketio/socket.io-protocol) in Engine.IO (protocol 4)
 * in WebSocket frames (RFC 6455).
 */
export async function connectToColloquio(login: ColloquioLogin, hearing: Hearing): Promise<Device> {
  const { port, token, conversationId, party } = login;
  const socket = openSocket(port, hearing);
  // Client ids of an earlier run on the same data are other ones.
  const run = Date.now().toString(36);
  const ofOther = `"sender":"${party === 'subscriber' ? 'interlocutor' : 'subscriber'}"`;
  let connected: () => void = () => undefined;
  const connecting = new Promise<void>((resolve) => (connected = resolve));
  let receipts = 0;
  let deliveredSeq = 0;
  /** Messages that are stored and whose receipt has not come back, by seq. */
  const stored: { number: number; seq: number }[] = [];

  const packet = (text: string) => {
    switch (text.slice(0, 2)) {
      case '43':
        return acknowledged(text);
      case '42':
        if (text.startsWith('42["message.sent"')) return sent(text);
        if (text.startsWith('42["receipt.changed"')) return receiptChanged(text);
        return;
      case '40':
        return connected();
      case '44':
        return hearing.failed(text);
    }
    if (text.startsWith('0')) socket.write(frame(`40{"token":"${token}"}`), 'latin1');
    if (text === '2') socket.write(frame('3'), 'latin1');
  };
  const sent = (text: string) => {
    if (!text.includes(ofOther)) return;
    const seq = between(text, '"seq":', ',');
    const receipt = `["receipt.send",{"conversationId":"${conversationId}","deliveredSeq":${seq}}]`;
    socket.write(frame(`42${receipts++}${receipt}`), 'latin1');
    hearing.received(between(text, '"body":"', '"'));
  };
  const acknowledged = (text: string) => {
    if (text.includes('"error"')) return hearing.failed(text);
    const seq = text.indexOf('"seq":');
    // Of a receipt.
    if (seq < 0) return;
    stored.push({ number: Number(between(text, '43', '[')), seq: Number.parseInt(text.slice(seq + 6), 10) });
    finish();
  };
  const receiptChanged = (text: string) => {
    // The one that this device itself has caused.
    if (text.includes(`"party":"${party}"`)) return;
    deliveredSeq = Number(between(text, '"deliveredSeq":', ','));
    finish();
  };
  const finish = () => {
    while (stored.length > 0 && stored[0]!.seq <= deliveredSeq) hearing.finished(stored.shift()!.number);
  };

  readFrames(socket, packet);
  socket.write(upgrade(port));
  await connecting;
  return {
    send: (number, text) => {
      const message = `{"conversationId":"${conversationId}","clientId":"${run}-${number}","body":"${text}"}`;
      socket.write(frame(`42${number}["message.send",${message}]`), 'latin1');
    },
    close: () => void socket.destroy(),
  };
}
