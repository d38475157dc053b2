"""What a plan says is what the real compose and engine do."""

import json

from lib.host import wait_until
from test_commit import SERVE, wait_page

MORE = """\
    environment: {{MODE: {mode}, PASSWORD: hunter2}}
  db:
    image: pgo-test/web:1
    stop_grace_period: 1s
x-pgo: {{reload: false, update: in-place}}
"""


def files(page, mode, image="pgo-test/web:1"):
    return {"compose.yaml": SERVE.format(image=image, more=MORE.format(mode=mode)), "www/index.html": page + "\n"}


def boxes(pgo):
    return {box.service: box.id for box in pgo.running("site")}


def wait_page_of_web(pgo, page):
    """Like wait_page, of the one that serves."""
    whole = pgo.running
    pgo.running = lambda name: [box for box in whole(name) if box.service == "web"]
    try:
        return wait_page(pgo, page)
    finally:
        pgo.running = whole


def test_a_plan_says_something_else_than_what_happens(pgo):
    repo = pgo.repo("site", {**files("one", "a"), "ssh/k.pub": pgo.key.public})
    pgo.service("site", repo)
    pgo.start().wait_deployed("site", repo.head, count=2, deadline=60)
    nothing = pgo.ctl("site", "plan")
    assert nothing.returncode == 0 and "nothing to do" in nothing.stdout, nothing.stdout + nothing.stderr
    before = boxes(pgo)
    head = repo.commit(files("two", "b"))
    pgo.wait_status("site", f"commit {head[:8]} is approved and waits", 40)
    done = pgo.ctl("site", "plan", "--json")
    plan = json.loads(done.stdout)
    assert done.returncode == 2 and "hunter2" not in done.stdout
    assert {s["name"]: s["action"] for s in plan["services"]} == {"db": "keep", "web": "recreate"}
    assert [field["path"] for s in plan["services"] for field in s["fields"]] == ["files[./www]", "environment.MODE"]
    assert boxes(pgo) == before, "a plan touched something"
    assert pgo.ctl("site", "up", "--plan", plan["digest"]).returncode == 0
    wait_page_of_web(pgo, "two")
    assert {name for name, box in boxes(pgo).items() if before[name] != box} == {"web"}
    assert "web: files[./www], environment.MODE" in pgo.ctl("site", "history").stdout
    assert pgo.ctl("site", "plan").returncode == 0
    assert pgo.ctl("site", "rollback").returncode == 0
    wait_page_of_web(pgo, "one")


def test_a_hold_lets_something_run(pgo):
    repo = pgo.repo("site", {**files("one", "a"), "ssh/k.pub": pgo.key.public})
    pgo.service("site", repo)
    pgo.start().wait_deployed("site", repo.head, count=2, deadline=60)
    before = boxes(pgo)
    assert pgo.ctl("site", "hold", "moving", "house").returncode == 0
    wait_until(lambda: not pgo.running("site"), "stopped", 40)
    assert "moving house" in pgo.status("site")
    assert pgo.ctl("site", "release").returncode == 0
    pgo.wait_running("site", 2, 40)
    assert boxes(pgo) == before, "a hold stops, and makes nothing anew"
