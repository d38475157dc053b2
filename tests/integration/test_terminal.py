"""A command on the operator's own terminal: `exec -it`."""

import os
import signal

import pytest

from lib.host import run, wait_until
from lib.pgo import program
from lib.scenes import deployed
from lib.terminal import Terminal


@pytest.fixture
def site(pgo):
    pgo.site = deployed(pgo)
    return pgo


def at_terminal(site, *words, env=None, **kw):
    argv = [program("pgoctl"), "-i", site.key.private, "-p", str(site.port), "--accept-new", "--", "127.0.0.1:site//exec", *words]
    return Terminal(argv, env={"HOME": site.path("home"), **(env or {})}, **kw)


def sh(site, script, *options, **kw):
    return at_terminal(site, "-it", *options, "web", "sh", "-c", script, **kw)


def job_is_gone(site):
    pid = site.engine.calls("exec")[-1]["pid"]
    return lambda: not os.path.exists(f"/proc/{pid}")


SIZES = "trap 'stty size' WINCH; stty size; tty; echo $TERM; ls -l $(tty); while :; do read line && break; done; echo \"got $line\"; exit 5"


def test_a_command_on_a_terminal_does_not_know_its_size(site):
    with sh(site, SIZES, cols=101, rows=33) as terminal:
        terminal.see(r"33 101\r\n/dev/pts/\d+\r\nxterm-256color\r\n")
        assert terminal.see(r"c(rw\S+) +\d+ (\S+)\s").groups() == ("rw-------", site.accounts.a.pw_name)
        wait_until(terminal.is_raw, "raw")
        terminal.resize(120, 40)
        terminal.see(r"40 120\r\n")
        for width in range(1, 2000):
            terminal.resize(width, 50)
        terminal.resize(66, 50)
        terminal.see(r"50 66\r\n")
        terminal.type("word\r")
        terminal.see(r"word\r\n.*got word\r\n")
        assert terminal.end() == 5
        assert terminal.is_as_before()
    assert os.path.isdir(f"/proc/{site.process.pid}") and site.ctl("site", "ping").returncode == 0


def test_ctrl_c_ends_pgoctl_and_not_the_command(site):
    with sh(site, "trap 'echo interrupted' INT; echo ready; while :; do read line && break; done; echo bye") as terminal:
        terminal.see("ready")
        terminal.type("\x03")
        terminal.see("interrupted")
        terminal.type("\x04x\r")
        terminal.see("bye")
        assert terminal.end() == 0 and terminal.is_as_before()


def test_a_client_that_is_killed_leaves_the_terminal_raw(site):
    for sig, status in ((signal.SIGTERM, 128 + 15), (signal.SIGHUP, 128 + 1), (signal.SIGQUIT, 128 + 3), (signal.SIGSEGV, -11), (signal.SIGABRT, -6)):
        with sh(site, "echo ready; sleep 1000") as terminal:
            terminal.see("ready")
            wait_until(terminal.is_raw, "raw")
            terminal.signal(sig)
            assert terminal.end() == status and terminal.is_as_before(), sig
            wait_until(job_is_gone(site), "the command ends with its terminal")


def test_a_lost_connection_leaves_the_terminal_raw(site):
    with sh(site, "echo ready; sleep 1000") as terminal:
        terminal.see("ready")
        wait_until(terminal.is_raw, "raw")
        # Those who asked before may still be leaving.
        (pid,) = wait_until(lambda: (found := site.connections()) and len(found) == 1 and found, "nobody else is connected")
        os.kill(pid, signal.SIGKILL)
        assert terminal.end() == 255 and terminal.is_as_before()
        terminal.see("pgoctl: the connection ended before the operation")
        wait_until(job_is_gone(site), "the command ends with its terminal")


def test_a_client_that_is_put_aside_keeps_the_terminal_raw(site):
    with sh(site, "trap 'echo size $(stty size)' WINCH; echo ready; while :; do read line && break; done; echo \"got $line\"") as terminal:
        terminal.see("ready")
        terminal.signal(signal.SIGTSTP)
        wait_until(lambda: terminal.stopped() and terminal.is_as_before(), "it rests, and the terminal is as it was")
        terminal.resize(90, 30)
        terminal.signal(signal.SIGCONT)
        wait_until(terminal.is_raw, "raw again")
        terminal.see("size 30 90")
        terminal.type("more\r")
        terminal.see("got more")
        assert terminal.end() == 0 and terminal.is_as_before()


def test_nothing_leads_out_of_a_silent_terminal(site):
    with sh(site, "stty raw -echo; echo ready; sleep 1000") as terminal:
        terminal.see("ready")
        terminal.type("~~\r~.")
        assert terminal.end() == 255 and terminal.is_as_before()
        terminal.see("pgoctl: disconnected")
        wait_until(job_is_gone(site), "the command ends with its terminal")


def test_a_terminal_is_made_where_there_is_none(site):
    done = site.ctl("site", "exec", "-it", "web", "true")
    assert done.returncode == 2 and "standard input is none: leave -t out" in done.stderr
    done = site.ssh("site//exec -it web true")
    assert done.returncode == 1 and "leave -t out, or use ssh -t" in done.stderr
    assert site.ctl("site", "exec", "-i", "-T", "web", "sh", "-c", "tty; echo $TERM").stdout == "not a tty\n\n"
    assert not [call for call in site.engine.calls("exec") if "-it" in call["argv"] or "-t" in call["argv"]]


def test_a_key_without_a_terminal_gets_one(site):
    head = site.site.commit({"ssh/test.pub": "no-pty " + site.key.public})
    site.wait_live("site", head)

    def refused():
        with sh(site, "true") as terminal:
            return terminal.end() == 1 and "exec: no terminal for your key (no-pty in ssh/test.pub:1): leave -t out\r\n" in terminal.shown

    wait_until(refused, "the key's options count")
    assert site.ctl("site", "exec", "web", "echo", "else").stdout == "else\n"


def ssh(site, command, *options):
    *argv, target, line = site.ssh_argv(command)
    return [*argv, *options, target, line]


def test_plain_ssh_gets_no_terminal(site):
    with Terminal(ssh(site, "site//exec -it web sh -c 'stty size; echo $TERM; cat; exit 7'", "-t"), cols=77, rows=22) as terminal:
        terminal.see(r"22 77\r\nxterm-256color\r\n")
        terminal.type("hello\r\x04")
        terminal.see("hello\r\nhello\r\n")
        assert terminal.end() == 7


def test_a_terminal_type_gets_into_the_environment_unread(site):
    for term in ("", "x" * 65, "a b", "a=b", "x\ny", "$(id)", "\x1b[2J"):
        with sh(site, 'echo "<$TERM>"', env={"TERM": term}) as terminal:
            assert terminal.see(r"<(.*?)>\r\n")[1] == "", term
            assert terminal.end() == 0


def test_the_end_of_the_input_is_no_end_on_a_terminal(site):
    done = run(*ssh(site, "site//exec -it web cat", "-tt"), check=False, input="a line\n")
    assert done.returncode == 0 and done.stdout.count("a line\n") == 2
