import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** The test file of the antivirus industry; in two halves, so that no scanner finds it here. */
export const eicar = 'X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-' + 'ANTIVIRUS-TEST-FILE!$H+H*';

/** A server that speaks clamd's protocol: it finds the test virus, wherever in a file it stands. */
export class ClamdServer {
  /** Bytes of a file that it takes. */
  maxLength = 200 * 1024 ** 2;
  /** Answers another word, or none, or hangs up. */
  mood: 'well' | 'silent' | 'rude' | 'garbled' = 'well';
  /** Every answer waits for it. */
  held: Promise<void> = Promise.resolve();
  /** Files that it has been asked about. */
  scanned = 0;
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  static async listen(): Promise<ClamdServer> {
    const server = createServer();
    const clamd = new ClamdServer(server);
    server.on('connection', (socket) => clamd.serve(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return clamd;
  }

  /** As the setting CLAMD_URL has it. */
  get url(): string {
    return `tcp://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => {});
    let bytes = Buffer.alloc(0);
    let command: string | undefined;
    let file = '';
    let length = 0;
    const answer = async (text: string) => {
      await this.held;
      if (this.mood === 'rude') socket.destroy();
      else if (this.mood === 'garbled') socket.end('stream: maybe\0');
      else if (this.mood === 'well') socket.end(`${text}\0`);
    };
    socket.on('data', (piece: Buffer) => {
      bytes = Buffer.concat([bytes, piece]);
      if (command === undefined) {
        const end = bytes.indexOf(0);
        if (end < 0) return;
        command = bytes.toString('latin1', 0, end);
        bytes = bytes.subarray(end + 1);
        if (command === 'zPING') return void answer('PONG');
      }
      while (command === 'zINSTREAM' && bytes.length >= 4) {
        const size = bytes.readUInt32BE();
        if (size === 0) {
          this.scanned++;
          return void answer(file.includes(eicar) ? 'stream: Eicar-Test-Signature FOUND' : 'stream: OK');
        }
        if (bytes.length < 4 + size) return;
        length += size;
        if (length > this.maxLength) return void answer('INSTREAM size limit exceeded. ERROR');
        // The virus may stand across two pieces.
        file = file.slice(-2 * eicar.length) + bytes.toString('latin1', 4, 4 + size);
        if (file.includes(eicar)) file = eicar;
        bytes = bytes.subarray(4 + size);
      }
    });
  }
}
