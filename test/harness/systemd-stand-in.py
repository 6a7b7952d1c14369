# What systemd does for a service with a socket unit, in few lines: opens the sockets, hands them over (sd_listen_fds(3)),
# listens to what the service says (sd_notify(3)), and starts it again whenever it has ended, until it is told to stop.
# Arguments: the path of the socket for notifications, the places to listen on, the command.
import os, signal, socket, sys, threading

notify_path, places, *command = sys.argv[1:]
listening = []
for place in places.split(","):
    host, port = place.rsplit(":", 1)
    one = socket.socket(socket.AF_INET)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.bind((host, int(port)))
    one.listen(128)
    listening.append(one)
notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notified.bind(notify_path)


def tell(what):
    sys.stdout.write(what + "\n")
    sys.stdout.flush()


def hear():
    while True:
        tell("notified " + notified.recv(4096).decode().replace("\n", "|"))


threading.Thread(target=hear, daemon=True).start()
child = 0


def stop(*_):
    if child:
        os.kill(child, signal.SIGKILL)
    os._exit(0)


signal.signal(signal.SIGTERM, stop)
while True:
    child = os.fork()
    if child == 0:
        # First to where none of them is in the way of another.
        high = [os.dup2(one.fileno(), 100 + n) for n, one in enumerate(listening)]
        for n, fd in enumerate(high):
            os.dup2(fd, 3 + n)
        os.closerange(3 + len(high), 200)
        os.dup2(2, 1)
        environment = dict(os.environ, LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(high)),
                           LISTEN_FDNAMES=":".join("postrider.socket" for _ in high), NOTIFY_SOCKET=notify_path)
        os.execvpe(command[0], command, environment)
    tell(f"started {child}")
    _, status = os.waitpid(child, 0)
    tell(f"ended {os.waitstatus_to_exitcode(status)}")
