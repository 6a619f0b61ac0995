import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publishPolicy } from '../../src/commands/policy-publishing.js';
import { Policies } from '../../src/policies/policies.service.js';
import { run } from './commands.js';
import type { World } from './world.js';

export type PolicyName = 'interlocutor/privacy' | 'subscriber/privacy' | 'subscriber/terms';

/** A folder with the policies of the repository, to which versions can be added. */
export async function policiesFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'colloquio-policies-'));
  await cp('policies', folder, { recursive: true });
  return folder;
}

/** Summary of changes of a version that {@link writeVersion} writes. */
export const changesOf = (version: number) => ({
  it: `Novità della versione ${version}.`,
  en: `News of version ${version}.`,
});

/** Writes another version of a policy as a host would, in both languages. */
export async function writeVersion(
  folder: string,
  policy: PolicyName,
  version: number,
  change: (text: string) => string = (text) => text,
): Promise<void> {
  for (const locale of ['it', 'en'] as const) {
    const text = await readFile(join(folder, policy, `1.${locale}.md`), 'utf8');
    const written = change(text.replace('\nsummary:', `\nchanges: ${changesOf(version)[locale]}\nsummary:`));
    await writeFile(join(folder, policy, `${version}.${locale}.md`), written);
  }
}

export const publish = (world: World, ...parameters: string[]) => run(publishPolicy, world.environment, ...parameters);

/** The day so many days from now, as the command takes it. */
export const dayAhead = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

/** Has the running service look for what was published. */
export const refreshed = (world: World) => world.service.app.get(Policies).refresh();

/** Lets the day of a published version come. */
export async function takesEffect(world: World, policy: PolicyName, version: number): Promise<void> {
  const [audience, purpose] = policy.split('/');
  await world.rows(
    `UPDATE policy_publication SET effective_at = now() - interval '1 second'
     WHERE audience = $1 AND purpose = $2 AND version = $3`,
    [audience, purpose, version],
  );
  await refreshed(world);
}
