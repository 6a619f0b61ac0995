import { runCommand } from './command.js';
import { checkSettings } from './settings-check.js';

await runCommand(checkSettings);
