import type { Socket } from 'node:net';

/** Asks the server at a port of this machine for a WebSocket of Engine.IO (RFC 6455, with the key of its example). */
export function upgrade(port: number): string {
  return [
    'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
    `Host: localhost:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '\r\n',
  ].join('\r\n');
}

/** One text frame, of less than 64 KB. A client must mask; the mask of zeros changes nothing, and saves only our own work. */
export function frame(text: string): string {
  const { length } = text;
  const size =
    length < 126 ? String.fromCharCode(0x80 | length) : `\xfe${String.fromCharCode(length >> 8, length & 255)}`;
  return `\x81${size}\0\0\0\0${text}`;
}

/** The same for a text of 64 KB and more. */
export function longFrame(text: string): string {
  if (text.length < 65_536) return frame(text);
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(text.length));
  return `\x81\xff${size.toString('latin1')}\0\0\0\0${text}`;
}

/** Gives the text of every frame that comes in, after the answer to the upgrade. */
export function readFrames(socket: Socket, take: (text: string) => void): void {
  let rest: Buffer | undefined;
  let upgraded = false;
  socket.on('data', (chunk: Buffer) => {
    const data = rest ? Buffer.concat([rest, chunk]) : chunk;
    let offset = 0;
    if (!upgraded) {
      const end = data.indexOf('\r\n\r\n');
      if (end < 0) return void (rest = data);
      upgraded = true;
      offset = end + 4;
    }
    while (offset + 2 <= data.length) {
      const short = data[offset + 1]!;
      if (short === 126 && offset + 4 > data.length) break;
      const start = offset + (short === 126 ? 4 : 2);
      const end = start + (short === 126 ? data.readUInt16BE(offset + 2) : short);
      if (end > data.length) break;
      take(data.toString('latin1', start, end));
      offset = end;
    }
    rest = offset < data.length ? data.subarray(offset) : undefined;
  });
}
