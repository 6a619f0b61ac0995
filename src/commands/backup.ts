import { runCommand } from './command.js';
import { backUp } from './backing-up.js';

await runCommand(backUp);
