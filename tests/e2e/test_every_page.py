"""Every page that the dashboard's rail and the portal's rail lead to, looked at closely."""

from __future__ import annotations

from urllib.parse import urlsplit

from embedded.installation import Installation
from tests.e2e.visitor import Visitor

HREFS = "links => links.map(link => link.href)"


def rail(visitor: Visitor) -> list[str]:
    """Return the addresses in the page's navigation, each once."""
    found: list[str] = visitor.page.locator("nav a[href]").evaluate_all(HREFS)
    own = urlsplit(visitor.page.url).netloc
    return [
        address for address in dict.fromkeys(found) if urlsplit(address).netloc == own and "#" not in address
    ]


def name_of(address: str) -> str:
    return urlsplit(address).path.strip("/").replace("/", "-")


def look_everywhere(visitor: Visitor, beginning: str) -> int:
    visitor.go(beginning)
    addresses = [
        address for address in rail(visitor) if urlsplit(address).path.startswith(urlsplit(beginning).path)
    ]
    for address in addresses:
        visitor.go(address)
        visitor.page.locator("h1").first.wait_for()
        visitor.look(name_of(address))
    return len(addresses)


def test_every_page_of_the_rails(installation: Installation, visitor: Visitor) -> None:
    tenant = installation.demo["tenants"]["acme"]
    visitor.go(tenant["dashboard"])
    visitor.sign_in(tenant["owner"])
    visitor.heading("Overview")
    assert look_everywhere(visitor, tenant["dashboard"]) >= 8
    assert look_everywhere(visitor, tenant["portal"]) >= 3


def test_every_tab_of_settings_of_an_organization_and_of_a_member(
    installation: Installation, visitor: Visitor
) -> None:
    tenant = installation.demo["tenants"]["acme"]
    visitor.go(tenant["dashboard"])
    visitor.sign_in(tenant["owner"])
    visitor.heading("Overview")
    base = tenant["dashboard"].rstrip("/")
    visitor.go(f"{base}/members")
    member = visitor.page.locator("a.table__main").first.get_attribute("href")
    beginnings = [f"{base}/settings", f"{base}/organizations/{tenant['organizations'][0]['id']}"]
    for beginning in (*beginnings, visitor.page.url.partition("/dashboard/")[0] + str(member)):
        visitor.go(beginning)
        tabs = visitor.page.locator("a.tabs__item").evaluate_all(HREFS)
        assert len(tabs) >= 4
        for address in tabs:
            visitor.go(address)
            visitor.page.locator("h1").first.wait_for()
            visitor.look(name_of(address))
