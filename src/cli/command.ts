/** A command of `./posthorn`: one file each. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What `--help` prints. */
  readonly help: string;
  /** Runs it with the arguments after its name. Returns the exit code: 0 done, 1 failed, 2 bad usage or configuration. */
  run(argv: readonly string[]): Promise<number>;
}
