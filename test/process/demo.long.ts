import { spawn } from 'node:child_process';
import { expect, test } from '@jest/globals';

test('the demo plays its conversations through the real API, and stops when asked to', async () => {
  const child = spawn(process.execPath, ['demo/play.mjs', '--once'], {
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect({ code, said }).toMatchObject({ code: 0, said: expect.stringMatching(/60 contacts/) });
  expect(said).toMatch(/290 messages/);
  expect(said).toContain(`"username": "zia.ermelinda"`);
  expect(said).toMatch(/DATA_DIR=\S+colloquio-demo-\w+ npm run outbox/);
});
