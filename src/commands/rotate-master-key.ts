import { runCommand } from './command.js';
import { rotateMasterKey } from './master-key-rotation.js';

await runCommand(rotateMasterKey);
