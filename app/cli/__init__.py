"""The ``gatehouse`` command. Each imports what it needs when it runs, so that help is quick."""

from app.cli.commands import (
    accounts,
    addresses,
    audit,
    backup,
    clients,
    connections,
    database,
    demo,
    doctor,
    domains,
    drift,
    folders,
    grants,
    imports,
    jobs,
    keys,
    log,
    mappings,
    reports,
    reviews,
    roles,
    schemas,
    server,
    sign_ins,
    streams,
    tokens,
    trash,
    users,
)
from app.cli.group import Command

cli = Command(
    name="gatehouse",
    help="Access control for media libraries: SCIM provisioning, SAML sign-in, folder permissions.",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
)
MODULES = (
    *(server, database, backup, doctor, jobs, keys),
    *(accounts, tokens, clients, connections, domains, sign_ins),
    *(
        users,
        imports,
        drift,
        roles,
        folders,
        grants,
        reports,
        reviews,
        mappings,
        schemas,
        addresses,
    ),
    *(log, audit, streams, trash, demo),
)
for module in MODULES:
    for command in module.COMMANDS:
        cli.add_command(command)

__all__ = ["cli"]
