import { runCommand } from './command.js';
import { publishPolicy } from './policy-publishing.js';

await runCommand(publishPolicy);
