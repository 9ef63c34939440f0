// `filigree COMMAND …`: registers the commands and reports their errors.
import { Command, CommanderError } from 'commander';
import { classifyCommand } from './commands/classify.ts';
import { compileCommand } from './commands/compile.ts';
import { detectCommand } from './commands/detect.ts';
import { evaluateCommand } from './commands/evaluate.ts';
import { inspectCommand } from './commands/inspect.ts';
import { profileCommand } from './commands/profile.ts';
import { pruneCommand } from './commands/prune.ts';
import { runCommand } from './commands/run.ts';
import { soupCommand } from './commands/soup.ts';
import { tuneCommand } from './commands/tune.ts';
import { exitCodes, reportError, type Io } from './io.ts';
import { Reported } from './reported.ts';

/**
 * Runs the program.
 * @param argv the arguments after `filigree`
 * @returns the exit code: 0, 1 when something went wrong, 2 for wrong usage
 */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const program = new Command('filigree')
    .description('Runs pruned vision networks fast, in WebAssembly.')
    .version(io.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 called wrongly.');
  const commands = [
    detectCommand(io),
    classifyCommand(io),
    runCommand(io),
    compileCommand(io),
    pruneCommand(io),
    soupCommand(io),
    inspectCommand(io),
    profileCommand(io),
    tuneCommand(io),
    evaluateCommand(io),
  ];
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text, write) => write(`filigree: ${text.replace(/^error: /, '')}`),
    });
    if (command !== program) command.showHelpAfterError(`Try "filigree ${command.name()} --help".`);
  }
  program.showHelpAfterError('Try "filigree --help".');

  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (error instanceof Reported) return exitCodes.failed;
    reportError(io, error);
    return exitCodes.failed;
  }
}
