import { DataSource, type EntityManager } from 'typeorm';
import { policyAudiences, policyPurposes } from '../contract/consents.js';
import { limits } from '../contract/limits.js';
import { type Config, loadConfig } from '../platform/config.js';
import { requireData } from '../platform/data-dir.js';
import { mainDatabaseOptions } from '../platform/database.js';
import { NodeLock } from '../platform/node-lock.js';
import { openDatabases } from '../platform/open-databases.js';
import { StartError } from '../platform/start-error.js';
import { Policy, PolicyPublication } from '../policies/policy.entity.js';
import { readPolicyFiles } from '../policies/policy-files.js';
import { lockPolicies, type PlannedPublication, planPublication, publish } from '../policies/publishing.js';
import type { Command, Terminal } from './command.js';
import { readParameters } from './parameters.js';

const help = `npm run publish-policy -- POLICY             publishes the newest version of a policy text
npm run publish-policy -- POLICY --dry-run   shows what that would do, without doing it
npm run publish-policy                       lists what is published

POLICY is subscriber/terms, subscriber/privacy or interlocutor/privacy, or one of them with a version, such as
interlocutor/privacy/2. The texts are read from POLICIES_DIR, in every language.

  --effective 2027-01-15   the day from which it is in force, in UTC, ${limits.policyNoticeDays} to ${limits.policyNoticeDaysMax} days ahead; "now" is in ${limits.policySettlingSeconds / 60} minutes
  --acceptance yes|no      "yes": people must accept it before they can send; "no": they are only informed

By default, the properties in the texts apply. It reads the settings of the service, and works whether the
service runs or not. Publishing the same version again changes nothing.`;

/** `npm run publish-policy`: publishes a version of a policy text, which is announced until its day has come. */
export const publishPolicy: Command = async (environment, parameters, terminal) => {
  try {
    const { values, positionals } = readParameters(
      parameters,
      {
        effective: { type: 'string' },
        acceptance: { type: 'string' },
        'dry-run': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
      { most: 1, usage: 'See npm run publish-policy -- --help.' },
    );
    const [name] = positionals;
    if (values.help) terminal.print(help);
    else if (name === undefined) await withDatabase(loadConfig(environment), (manager) => list(manager, terminal));
    else {
      const wanted = {
        ...named(name),
        effective: values.effective,
        requiresAcceptance: yesOrNo(values.acceptance),
      };
      const config = loadConfig(environment);
      const files = await readPolicyFiles(config.policiesDir);
      await withDatabase(config, async (manager) => {
        await lockPolicies(manager);
        const plan = await planPublication(manager, files, wanted);
        if (!values['dry-run']) await publish(manager, plan);
        await show(manager, plan, { config, terminal, dryRun: values['dry-run'] ?? false });
      });
    }
    return 0;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    terminal.complain(error.message);
    return 1;
  }
};

function named(name: string) {
  const [audience, purpose, version, ...more] = name.split('/');
  const known = {
    audience: policyAudiences.find((each) => each === audience),
    purpose: policyPurposes.find((each) => each === purpose),
  };
  const isVersion = version === undefined || /^[1-9]\d{0,5}$/.test(version);
  if (!known.audience || !known.purpose || !isVersion || more.length > 0)
    throw new StartError(
      `${name} is no policy: name subscriber/terms, subscriber/privacy or interlocutor/privacy, if you like with a version such as interlocutor/privacy/2.`,
    );
  return {
    audience: known.audience,
    purpose: known.purpose,
    version: version === undefined ? undefined : Number(version),
  };
}

function yesOrNo(value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (value !== 'yes' && value !== 'no') throw new StartError(`--acceptance is yes or no, and not ${value}.`);
  return value === 'yes';
}

/** Works in one transaction of the main database, beside the running service or without it. */
async function withDatabase(config: Config, work: (manager: EntityManager) => Promise<void>): Promise<void> {
  if (!config.databaseUrl) await requireData(config);
  const databases = await openDatabases(config);
  const main = new DataSource({ ...mainDatabaseOptions(databases.main), entities: [Policy, PolicyPublication] });
  try {
    await main.initialize();
    const [row] = await main.query<[{ there: boolean }]>(
      `SELECT to_regclass('policy_publication') IS NOT NULL AS there`,
    );
    if (!row.there)
      throw new StartError('This database holds no publications of policies yet: start the service once.');
    await main.transaction(work);
  } finally {
    if (main.isInitialized) await main.destroy();
    if (!databases.adopted && (await NodeLock.isFree(databases.keyring))) await databases.stop();
  }
}

async function show(
  manager: EntityManager,
  plan: PlannedPublication,
  { config, terminal, dryRun }: { config: Config; terminal: Terminal; dryRun: boolean },
): Promise<void> {
  const { audience, purpose, version, before, effectiveAt, requiresAcceptance, texts, isRepeated } = plan;
  const [people] = await manager.query<[{ all: number; mailed: number }]>(
    `SELECT count(*)::integer AS all, count(email_hash)::integer AS mailed FROM account WHERE kind = $1`,
    [audience === 'subscriber' ? 'member' : 'interlocutor'],
  );
  const locales = texts.map(({ locale }) => locale).sort();
  const place = isRepeated ? '' : `, in place of version ${before}`;
  terminal.print(
    [
      `${audience}/${purpose} version ${version} (${locales.join(', ')})${place}`,
      `  effective   ${timeInWords(effectiveAt)}`,
      `  acceptance  ${requiresAcceptance ? 'needed: until then sending, inviting and joining wait' : 'not needed: people are told of it'}`,
      ...texts.map(({ locale, changes }) => `  changes ${locale}  ${changes.join(' | ')}`),
      `  told        ${people.all} accounts in the apps; by mail ${people.mailed} confirmed addresses at most` +
        (config.smtpUrl ? '' : ' (SMTP_URL is not set: the mails wait in the outbox)'),
    ].join('\n'),
  );
  if (dryRun) terminal.print('Dry run: nothing was changed.');
  else if (isRepeated) terminal.print('This version is already published: nothing was changed.');
  else
    terminal.print(
      'Published. The running service loads it within half a minute, and starts to send the mails in five minutes.',
    );
}

async function list(manager: EntityManager, { print }: Terminal): Promise<void> {
  const publications = await manager.find(PolicyPublication, {
    order: { audience: 'ASC', purpose: 'ASC', version: 'ASC' },
  });
  for (const { audience, purpose, version, effectiveAt, requiresAcceptance, publishedAt, toldAt } of publications) {
    const name = `${audience}/${purpose}/${version}`.padEnd(24);
    const facts = [
      `${effectiveAt > new Date() ? 'from' : 'since'} ${timeInWords(effectiveAt)}`,
      requiresAcceptance ? 'to be accepted' : 'as a notice',
      `published ${timeInWords(publishedAt)}`,
      toldAt ? 'everybody told' : 'being told',
    ];
    print(`${name}${facts.join(', ')}`);
  }
  if (publications.length === 0) print('Nothing is published yet: start the service once.');
}

const timeInWords = (time: Date) => `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
