// Loaded into a server before its own code: answers how much memory it uses after collecting garbage, and profiles it.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export type Question = { kind: 'memory' } | { kind: 'profile' } | { kind: 'profiled'; file: string };

export interface Memory {
  rss: number;
  heapUsed: number;
  external: number;
}

const collections = 4;

let session: Session | undefined;

process.on('message', (question: Question) => {
  switch (question.kind) {
    case 'memory':
      return void memory().then((answer) => process.send!(answer));
    case 'profile':
      return void profile().then(() => process.send!({}));
    case 'profiled':
      return void profiled(question.file).then(() => process.send!({}));
  }
});
// Whoever is measured ends with the bench, and is not kept alive by being watched.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();

async function memory(): Promise<Memory> {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  for (let round = 0; round < collections; round++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heapUsed, external };
}

/** As `node --cpu-prof` does, but without the start. */
async function profile(): Promise<void> {
  session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
}

async function profiled(file: string): Promise<void> {
  const { profile: samples } = await session!.post('Profiler.stop');
  session!.disconnect();
  writeFileSync(file, JSON.stringify(samples));
}
