import { runCommand } from './command.js';
import { newRegistrationCode } from './new-registration-code.js';

await runCommand(newRegistrationCode);
