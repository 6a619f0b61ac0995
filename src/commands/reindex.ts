import { runCommand } from './command.js';
import { rebuildIndex } from './index-rebuilding.js';

await runCommand(rebuildIndex);
