import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { frame, readFrames, upgrade } from './websocket.js';
import { type Device, until, type World } from './world.js';

/** A connected socket of a device that answers no ping, and reads only as long as it is let. */
export class SilentDevice {
  /** Packets it has read. */
  readonly packets: string[] = [];

  private constructor(
    private readonly socket: Socket,
    readonly sessionId: string,
  ) {}

  static async connect(world: World, { token, sessionId }: Device): Promise<SilentDevice> {
    const port = Number(new URL(world.url).port);
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    const device = new SilentDevice(socket, sessionId);
    await once(socket, 'connect');
    readFrames(socket, (packet) => {
      device.packets.push(packet);
      // Engine.IO has opened; Socket.IO asks to connect, and is let in.
      if (packet.startsWith('0')) socket.write(frame(`40${JSON.stringify({ token })}`), 'latin1');
    });
    socket.write(upgrade(port));
    await until(() => device.packets.some((packet) => packet.startsWith('40')), 'a silent device is connected');
    return device;
  }

  /** From now on what comes stays where it is, in the buffers of the operating system and of the service. */
  stopReading(): void {
    this.socket.pause();
  }

  readOn(): void {
    this.socket.resume();
  }

  get closed(): boolean {
    return this.socket.closed;
  }

  leave(): void {
    this.socket.destroy();
  }
}
