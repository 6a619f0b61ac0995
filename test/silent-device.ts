import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { frame, readFrames, upgrade } from '../bench/delivery/websocket.js';
import { type Device, until, type World } from './world.js';

/** A connected socket of a device that answers no ping, and reads only as long as it is let. */
export class SilentDevice {
  private constructor(private readonly socket: Socket) {}

  static async connect(world: World, { token }: Device): Promise<SilentDevice> {
    const port = Number(new URL(world.url).port);
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    await once(socket, 'connect');
    let connected = false;
    readFrames(socket, (packet) => {
      // Engine.IO has opened; Socket.IO asks to connect, and is let in.
      if (packet.startsWith('0')) socket.write(frame(`40${JSON.stringify({ token })}`), 'latin1');
      if (packet.startsWith('40')) connected = true;
    });
    socket.write(upgrade(port));
    await until(() => connected, 'a silent device is connected');
    return new SilentDevice(socket);
  }

  /** From now on what comes stays where it is, in the buffers of the operating system and of the service. */
  stopReading(): void {
    this.socket.pause();
  }

  leave(): void {
    this.socket.destroy();
  }
}
