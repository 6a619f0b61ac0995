import { runCommand } from './command.js';
import { restore } from './restoring.js';

await runCommand(restore);
