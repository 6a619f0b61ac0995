// A bare Node stream: what comes in is copied to a file, and synced.
import { createWriteStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

const folder = await mkdtemp(join(tmpdir(), 'colloquio-bare-upload-'));
let files = 0;

const server = createServer((request, response) => {
  if (request.method !== 'PATCH') return void response.end();
  const path = join(folder, String(files++));
  void (async () => {
    await pipeline(request, createWriteStream(path));
    const handle = await open(path, 'r+');
    await handle.sync();
    await handle.close();
    await rm(path);
    response.writeHead(204).end();
  })();
});
server.listen(Number(process.env['PORT']), '127.0.0.1');
process.once('SIGTERM', () => void rm(folder, { recursive: true, force: true }).finally(() => process.exit()));
