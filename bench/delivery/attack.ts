// A process of its own: sends one kind of attack, wave after wave, for a bounded time, and reports what came back.
import { attackKinds } from './attack-kinds.js';
import type { AttackCommand, AttackReport } from './attackers.js';
import { tally } from './attack-tools.js';

process.on('message', ({ attack, target, seconds }: AttackCommand) => {
  void run(attack, target, seconds).then((waves) =>
    process.send!({ kind: 'done', waves, tally } satisfies AttackReport),
  );
});
process.once('disconnect', () => process.exit());

async function run(attack: string, target: AttackCommand['target'], seconds: number): Promise<number> {
  const deadline = Date.now() + seconds * 1000;
  let waves = 0;
  do {
    await attackKinds[attack]!.wave(target);
    waves++;
  } while (Date.now() < deadline);
  return waves;
}
