import { loadConfig } from '../platform/config.js';
import { requireData } from '../platform/data-dir.js';
import { StartError } from '../platform/start-error.js';
import { loadMasterKey } from '../platform/vault/master-key.js';
import { makeRegistrationCode } from '../registration/registration-codes.js';
import type { Command } from './command.js';

/** `npm run registration-code`: a code with which one subscriber can register while REGISTRATION=invited. */
export const newRegistrationCode: Command = async (environment, _parameters, { print, complain }) => {
  try {
    const config = loadConfig(environment);
    const { key } = await loadMasterKey(config, false).catch(async (error: unknown) => {
      await requireData(config);
      throw error;
    });
    const { code, expiresAt } = makeRegistrationCode(key);
    print(`${code}\nValid once, until ${expiresAt.toISOString().slice(0, 10)}, while REGISTRATION=invited.`);
    return 0;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    complain(error.message);
    return 1;
  }
};
