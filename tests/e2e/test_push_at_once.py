"""Twenty pushes to twenty apps at once."""

from lib.pushes import GOOD, App, visited

APPS = 20


def test_twenty_pushes_at_once_are_all_live(pgo):
    host = visited(pgo)
    apps = [App(pgo, f"app-{number}", **{"Dockerfile": GOOD, "index.html": f"page {number}\n"}) for number in range(APPS)]
    for push in [app.begin() for app in apps]:
        push.end().accepted()
    for number, app in enumerate(apps):
        app.runs(app.head())
        host.wait_page(app.host, f"page {number}")
