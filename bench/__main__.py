"""`python -m bench` runs every benchmark, `python -m bench NAME …` one of them with its own options."""

import click

from bench import decision, entry_to_invite


@click.group(invoke_without_command=True)
@click.option("--quick", is_flag=True, help="A minute instead of several.")
@click.pass_context
def main(context: click.Context, *, quick: bool) -> None:
    """Measure it, side by side with what people use or would write instead."""
    if context.invoked_subcommand is None:
        for command in (decision.main, entry_to_invite.main):
            command.main(["--quick"] if quick else [], standalone_mode=False)


main.add_command(decision.main, "decision")
main.add_command(entry_to_invite.main, "entry-to-invite")

if __name__ == "__main__":
    main()
