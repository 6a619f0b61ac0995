import { rmSync } from 'node:fs';
import { stopSharedService } from './of-worker.mjs';

export default async function stopPostgres() {
  const { postgres, dataDir } = globalThis.testPostgres;
  // Without workers, the tests ran in this process.
  await stopSharedService();
  await postgres.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
