import { Argument } from 'commander';
import { completionScripts, type Shell, shells } from '../completion/scripts.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

export const addCompletion: AddCommand = (program, run) => {
  withExample(
    program
      .command('completion')
      .description('print what makes a shell complete axon: verbs, flags, models, keys, hubs')
      .addArgument(new Argument('<shell>').choices(shells)),
    'eval "$(axon completion bash)"   # in ~/.bashrc',
    'eval "$(axon completion zsh)"    # in ~/.zshrc, after compinit',
    'axon completion fish > ~/.config/fish/completions/axon.fish',
  ).action((shell: Shell, flags: JsonFlag) =>
    run(flags.json === true, ({ output }) =>
      output.result({ shell, script: completionScripts[shell] }, [
        completionScripts[shell].trimEnd(),
      ]),
    ),
  );
};
