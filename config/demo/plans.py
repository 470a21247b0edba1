"""Who and what the demo consists of."""

from __future__ import annotations

from config import env
from config.demo.groups import Department
from config.demo.people import Person
from config.demo.tenant import Plan

SAMPLES = env.int("EXAMPLES_PORT", 8101)  # the first of two, one for each tenant's sample application

OLGA = Person("Olga Berg", "olga@acme.example")
MIA = Person("Mia Novak", "mia@acme.example")

PRIYA = Person("Priya Raman", "priya@acme.example")
JONAS = Person("Jonas Weiss", "jonas@acme.example")
LUCIA = Person("Lucía Campos", "lucia@acme.example")
TOMASZ = Person("Tomasz Zieliński", "tomasz@acme.example")
NORA = Person("Nora Lind", "nora@northwind.example")

SELMA = Person("Selma Ortiz", "selma@acme.example")  # an owner who proves a second factor
PIA = Person("Pia Lund", "pia@acme.example")  # a member who signs in with a passkey
# Somebody at globex, whom it signs in to acme as the provider of a customer there.
WANDA, AT = Person("Wanda Pohl", "wanda@people.contoso.example"), "Contoso Labs"

ACME = Plan(
    slug="acme",
    name="Acme Cloud",
    owner=OLGA,
    second=Person("Arno Vogel", "arno@acme.example"),
    member=MIA,
    suspended=Person("Sven Holt", "sven@acme.example"),
    others=(
        PRIYA,
        JONAS,
        LUCIA,
        TOMASZ,
        Person("Aiko Tanaka", "aiko@acme.example"),
    ),
    customers=(
        ("Northwind Traders", NORA),
        (AT, Person("Carl Odum", "carl@contoso.example")),
    ),
    domain="northwind.example",
    resource="https://api.acme.example",
    scopes=(
        ("projects:read", "See projects"),
        ("projects:write", "Create and change projects"),
        ("projects:delete", "Delete projects"),
    ),
    port=SAMPLES,
    groups=(
        Department("Engineering", "Builds the product", "developer", (PRIYA, JONAS)),
        Department("Customer care", "Answers customers", "support", (LUCIA, TOMASZ)),
        Department("Pilot", "Tries new things first", "", (MIA, PRIYA)),
        Department("Buyers", "Orders for Northwind", "viewer", (NORA,), organization="Northwind Traders"),
    ),
)
GLOBEX = Plan(
    slug="globex",
    name="Globex",
    owner=Person("Gitta Moor", "gitta@globex.example"),
    second=Person("Hank Scorpio", "hank@globex.example"),
    member=Person("Pavel Orlov", "pavel@globex.example"),
    suspended=Person("Rita Fox", "rita@globex.example"),
    others=(Person("Yusuf Demir", "yusuf@globex.example"),),
    customers=(
        ("Initech", Person("Ines Roth", "ines@initech.example")),
        ("Umbrella Health", Person("Uma Patel", "uma@umbrella.example")),
    ),
    resource="https://api.globex.example",
    scopes=(("orders:read", "See orders"), ("orders:write", "Place and change orders")),
    port=SAMPLES + 1,
)
