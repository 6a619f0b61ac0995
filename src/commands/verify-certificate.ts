import { verifyFile } from './certificate-verification.js';
import { runCommand } from './command.js';

await runCommand(verifyFile);
