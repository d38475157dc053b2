"""Twenty pushes to twenty apps at once."""

from lib.proxies import Nginx
from lib.pushes import App, accept_pushes

APPS = 20


def test_twenty_pushes_at_once_are_all_live(pgo):
    host = Nginx(pgo)
    accept_pushes(pgo, health_timeout="60s")
    host.start()
    pgo.start().wait_listening()
    files = {"Dockerfile": "FROM pgo-test/web:1\nCOPY index.html /www/\nEXPOSE 8080\n"}
    apps = [App(pgo, f"app-{number}", **{**files, "index.html": f"page {number}\n"}) for number in range(APPS)]
    for push in [app.begin() for app in apps]:
        push.end().accepted()
    for number, app in enumerate(apps):
        app.runs(app.head)
        host.wait_page(app.host, f"page {number}")
