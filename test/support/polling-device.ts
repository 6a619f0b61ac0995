import { type Device, type World } from './world.js';

/** A connected socket of a device over long polling, which polls only when it is told to, and answers no ping. */
export class PollingDevice {
  private constructor(
    private readonly url: string,
    readonly sessionId: string,
  ) {}

  static async connect(world: World, { token, sessionId }: Device): Promise<PollingDevice> {
    const url = `${world.url}/socket.io/?EIO=4&transport=polling`;
    const opened = await (await fetch(url)).text();
    const { sid } = JSON.parse(opened.slice(1)) as { sid: string };
    const device = new PollingDevice(`${url}&sid=${sid}`, sessionId);
    await device.post(`40${JSON.stringify({ token })}`);
    const { packets } = await device.poll();
    if (!packets.startsWith('40')) throw new Error(`not connected: ${packets}`);
    return device;
  }

  /** Asks for what waits, and waits for something when nothing does. */
  async poll(): Promise<{ status: number; packets: string }> {
    const response = await fetch(this.url);
    return { status: response.status, packets: await response.text() };
  }

  async post(packets: string): Promise<void> {
    await fetch(this.url, { method: 'POST', body: packets, headers: { 'content-type': 'text/plain;charset=UTF-8' } });
  }
}
