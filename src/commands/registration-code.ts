import { loadConfig } from '../platform/config.js';
import { requireData } from '../platform/data-dir.js';
import { StartError } from '../platform/start-error.js';
import { loadMasterKey } from '../platform/vault/master-key.js';
import { makeRegistrationCode } from '../registration/registration-codes.js';

/** `npm run registration-code`: a code with which one subscriber can register while REGISTRATION=invited. */
try {
  const config = loadConfig(process.env);
  const { key } = await loadMasterKey(config, false).catch(async (error: unknown) => {
    await requireData(config);
    throw error;
  });
  const { code, expiresAt } = makeRegistrationCode(key);
  console.log(`${code}\nGood once, until ${expiresAt.toISOString().slice(0, 10)}, while REGISTRATION=invited.`);
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
