"""Who and what the demo consists of."""

from __future__ import annotations

from config import env
from config.demo.people import Person
from config.demo.tenant import Plan

SAMPLES = env.int("EXAMPLES_PORT", 8101)  # the first of two, one for each tenant's sample application

OLGA = Person("Olga Berg", "olga@acme.example")
MIA = Person("Mia Novak", "mia@acme.example")

SELMA = Person("Selma Ortiz", "selma@acme.example")  # an owner who proves a second factor
PIA = Person("Pia Lund", "pia@acme.example")  # a member who signs in with a passkey

ACME = Plan(
    slug="acme",
    name="Acme Cloud",
    owner=OLGA,
    second=Person("Arno Vogel", "arno@acme.example"),
    member=MIA,
    suspended=Person("Sven Holt", "sven@acme.example"),
    others=(
        Person("Priya Raman", "priya@acme.example"),
        Person("Jonas Weiss", "jonas@acme.example"),
        Person("Lucía Campos", "lucia@acme.example"),
        Person("Tomasz Zieliński", "tomasz@acme.example"),
        Person("Aiko Tanaka", "aiko@acme.example"),
    ),
    customers=(
        ("Northwind Traders", Person("Nora Lind", "nora@northwind.example")),
        ("Contoso Labs", Person("Carl Odum", "carl@contoso.example")),
    ),
    resource="https://api.acme.example",
    scopes=(
        ("projects:read", "See projects"),
        ("projects:write", "Create and change projects"),
        ("projects:delete", "Delete projects"),
    ),
    port=SAMPLES,
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
