"""Containers in an event loop: nothing blocks it, and no thread is started.

Covers: root and ordinary user.
"""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time

import minicontain
import pytest
from minicontain import PIPE, Container, Popen, run_async
from support import in_threads


def awaited(function):
    """A test that is a coroutine; it fails if it started a thread."""

    def test():
        before = threading.active_count()
        asyncio.run(asyncio.wait_for(function(), 120))
        assert threading.active_count() == before

    test.__name__ = function.__name__
    return test


async def ticks(during):
    """What is awaited, and how often the loop went round meanwhile, about every 10 ms."""
    count = 0

    async def tick():
        nonlocal count
        while True:
            await asyncio.sleep(0.01)
            count += 1

    task = asyncio.create_task(tick())
    try:
        return await during, count
    finally:
        task.cancel()


# Waiting


@awaited
async def test_the_loop_goes_on_while_a_container_runs():
    with Container(["sleep", "0.5"]) as container:
        returncode, count = await ticks(container.wait_async())
    assert returncode == container.returncode == 0
    assert count > 5


@awaited
async def test_any_number_wait_for_one():
    with Container("sleep 0.2; exit 3", shell=True) as container:
        assert await asyncio.gather(*(container.wait_async() for _ in range(20))) == [3] * 20
        assert await container.wait_async() == 3


@awaited
async def test_one_that_ended_before():
    container = Container(["true"]).start()
    os.waitid(os.P_PID, container.pid, os.WEXITED | os.WNOWAIT)
    assert await container.wait_async() == 0
    container.close()
    assert await container.wait_async(timeout=0) == 0


@awaited
async def test_one_that_was_not_started():
    with pytest.raises(minicontain.StateError):
        await Container(["true"]).wait_async()


@awaited
async def test_a_timeout_leaves_it_alone():
    with Container(["sleep", "60"]) as container:
        other = asyncio.create_task(container.wait_async())
        for timeout in (0.1, 0, -1):
            with pytest.raises(minicontain.TimeoutExpired) as caught:
                await container.wait_async(timeout)
            assert (caught.value.cmd, caught.value.timeout) == (["sleep", "60"], timeout)
        assert container.poll() is None
        container.kill()
        assert await other == -signal.SIGKILL


@awaited
async def test_a_wait_that_is_cancelled_leaves_the_container_and_the_others_alone():
    with Container(["sleep", "60"]) as container:
        first, second = (asyncio.create_task(container.wait_async()) for _ in range(2))
        await asyncio.sleep(0.1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert container.poll() is None
        container.kill()
        assert await second == -9


@awaited
async def test_one_that_is_closed_while_it_is_awaited():
    container = Container(["sleep", "60"]).start()
    waiting = [asyncio.create_task(container.wait_async()) for _ in range(3)]
    await asyncio.sleep(0.1)
    container.close()
    assert await asyncio.gather(*waiting) == [-9] * 3
    # Its descriptor's number is free, and the loop knows: another container gets it.
    with Container(["true"]) as another:
        assert await another.wait_async() == 0


def test_loops_in_several_threads_wait_for_one():
    found = []
    with (
        Container(["sleep", "0.5"]) as container,
        in_threads(4, lambda: found.append(asyncio.run(container.wait_async()))),
    ):
        pass
    assert found == [0] * 4


# Each in a process of its own, whose threads and memory are nobody else's.
FIVE_HUNDRED = """
import asyncio, os, minicontain

async def main():
    read, write = os.pipe()
    containers = [minicontain.Container(["cat"], stdin=read).start() for _ in range(500)]
    found = asyncio.gather(*(container.wait_async() for container in containers))
    await asyncio.sleep(0.1)
    together = sum(container.poll() is None for container in containers)
    threads = len(os.listdir("/proc/self/task"))
    # They end when nobody can write to the pipe any more.
    os.close(write)
    assert await found == [0] * 500
    print(threads, together == 500)

asyncio.run(main())
"""
FIVE_HUNDRED_RUNS = """
import asyncio, os, resource, minicontain

async def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 1200 if hard == resource.RLIM_INFINITY else min(hard, 1200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
    runs = (minicontain.run_async(["echo", str(n)], stdout=-1, text=True) for n in range(500))
    done = await asyncio.gather(*runs)
    assert [result.stdout for result in done] == [f"{n}\\n" for n in range(500)]
    print(len(os.listdir("/proc/self/task")), True)

asyncio.run(main())
"""


@pytest.mark.parametrize("program", [FIVE_HUNDRED, FIVE_HUNDRED_RUNS], ids=["containers", "runs"])
def test_five_hundred_at_once_in_one_thread(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("1 True\n", "")


# Blocks


@awaited
async def test_leaving_a_block_kills_and_reaps():
    async with Container(["sleep", "60"], stdout=PIPE) as container:
        assert container.poll() is None
    assert container.returncode == -9
    assert container.stdout.closed


@awaited
async def test_a_block_that_is_cancelled_kills():
    container = Container(["sleep", "60"])

    async def block():
        async with container:
            await container.wait_async()

    task = asyncio.create_task(block())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert container.returncode == -9


@awaited
async def test_leaving_a_block_of_popen_waits():
    async with Popen("cat; exit 3", shell=True, stdin=PIPE, stdout=PIPE) as process:
        process.stdin_async.write(b"meow")
        process.stdin_async.close()
        assert await process.stdout_async.read() == b"meow"
    assert process.returncode == 3


@awaited
async def test_a_block_of_popen_that_is_cancelled_kills():
    process = Popen(["sleep", "60"])

    async def block():
        async with process:
            await process.wait_async()

    task = asyncio.create_task(block())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert process.returncode == -9


# Streams


@awaited
async def test_lines_come_as_they_are_written():
    script = "echo one; read line; echo $line; echo err >&2"
    async with Container(script, shell=True, stdin=PIPE, stdout=PIPE, stderr=PIPE) as container:
        assert await container.stdout_async.readline() == b"one\n"
        container.stdin_async.write(b"two\n")
        await container.stdin_async.drain()
        assert [line async for line in container.stdout_async] == [b"two\n"]
        assert await container.stderr_async.read() == b"err\n"
        assert await container.wait_async() == 0


@awaited
async def test_more_than_pipes_hold_goes_through_both_ways():
    data = os.urandom(5_000_000)
    async with Container(["cat"], stdin=PIPE, stdout=PIPE) as container:

        async def feed():
            for start in range(0, len(data), 100_000):
                container.stdin_async.write(data[start : start + 100_000])
                await container.stdin_async.drain()
            container.stdin_async.close()
            await container.stdin_async.wait_closed()

        _, found = await asyncio.gather(feed(), container.stdout_async.read())
    assert found == data


@awaited
async def test_a_program_that_does_not_read_is_told_to_the_writer():
    async with Container(["true"], stdin=PIPE) as container:
        await container.wait_async()
        container.stdin_async.write(b"nobody reads this")
        await asyncio.sleep(0)
        with pytest.raises(ConnectionError):
            await container.stdin_async.drain()


@awaited
async def test_a_stream_that_is_no_pipe():
    async with Container(["true"]) as container:
        for name in ("stdin_async", "stdout_async", "stderr_async"):
            with pytest.raises(minicontain.StateError, match="PIPE"):
                getattr(container, name)


@pytest.mark.parametrize("kind", [Container, Popen])
def test_communicate_goes_on_after_a_timeout_and_a_cancel(kind):
    async def main():
        script = "read line; echo got $line; echo err >&2; sleep 1; cat; echo end"
        async with kind(script, shell=True, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True) as container:
            with pytest.raises(minicontain.TimeoutExpired) as caught:
                await container.communicate_async("first\nrest\n", timeout=0.3)
            assert caught.value.output in (b"got first\n", None)
            with pytest.raises(ValueError, match="Cannot send input"):
                await container.communicate_async("more")
            task = asyncio.create_task(container.communicate_async())
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await container.communicate_async() == ("got first\nrest\nend\n", "err\n")
        assert container.returncode == 0

    asyncio.run(main())


@awaited
async def test_communicate_without_pipes_waits():
    async with Container(["true"]) as container:
        assert await container.communicate_async() == (None, None)
        assert container.returncode == 0
    async with Container(["true"]) as container:
        for _ in range(2):
            with pytest.raises(ValueError, match="stdin is not a pipe"):
                await container.communicate_async(b"input")


@awaited
async def test_communicate_keeps_the_output_in_the_result():
    async with Container(["echo", "text"], stdout=PIPE, text=True) as container:
        await container.communicate_async()
    assert container.result.stdout == "text\n"


# Runs


@awaited
async def test_run_is_that_of_the_same_name():
    done = await run_async(
        "cat; echo err >&2; exit 3", shell=True, input="in", text=True, capture_output=True
    )
    assert (done.args, done.returncode) == ("cat; echo err >&2; exit 3", 3)
    assert (done.stdout, done.stderr, done.reason) == ("in", "err\n", "exited")
    assert len(done.trace) > 10
    with pytest.raises(minicontain.CalledProcessError) as caught:
        await run_async(["false"], check=True)
    assert caught.value.result.returncode == 1
    with pytest.raises(FileNotFoundError):
        await run_async(["no-such-program"])
    with pytest.raises(ValueError, match="stdin and input"):
        await run_async(["true"], stdin=PIPE, input=b"")


@awaited
async def test_a_run_kills_at_its_timeout():
    with pytest.raises(minicontain.TimeoutExpired) as caught:
        await run_async(
            "printf 'on\\303'; sleep 60 & sleep 60", shell=True, stdout=PIPE, text=True, timeout=1
        )
    assert caught.value.output == b"on\xc3"
    assert caught.value.result.stdout == "on\ufffd"
    assert (caught.value.result.reason, caught.value.result.returncode) == ("timed_out", -9)


@awaited
async def test_a_process_that_outlives_a_shared_pid_namespace_does_not_hold_up_the_timeout():
    start = time.monotonic()
    with pytest.raises(minicontain.TimeoutExpired) as caught:
        await run_async(
            "setsid sh -c 'echo on; exec sleep 15' & wait",
            shell=True,
            namespaces={"pid": "host"},
            stdout=PIPE,
            timeout=1,
        )
    assert caught.value.output == b"on\n"
    assert time.monotonic() - start < 12


@awaited
async def test_a_run_that_is_cancelled_kills():
    task = asyncio.create_task(run_async("sleep 60 & sleep 60", shell=True, capture_output=True))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_containers_cost_no_import_of_asyncio():
    program = (
        "import minicontain, sys; minicontain.Container(['true']).start().wait();"
        "minicontain.Popen(['true']).wait(); print('asyncio' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")
