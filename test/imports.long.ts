import { test } from '@jest/globals';
import { limits } from '../src/contract/limits.js';
import { importWhileInterrupted } from './support/interrupted-import.js';

test('the longest file is imported once, while the service is stopped and the database cuts its connections', async () => {
  await importWhileInterrupted(limits.importLines);
});
