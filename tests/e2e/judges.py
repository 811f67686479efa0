"""Those whom a pooler can ask about a password: a PAM service and an LDAP server of the tests' own."""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading

import pytest

from cluster import RUN_AS, free_port, identity, own
from waiting import until


def built_with(binary, what):
    """Skip where the program was built without it."""
    said = subprocess.run([binary.path, "-V"], capture_output=True, text=True, check=True).stdout
    if what not in said.split("built with:")[1].split():
        pytest.skip(f"built without {what}")


class Pam:
    """A service in /etc/pam.d whose modules are shell scripts of the test; gone at the end."""

    def __init__(self, directory):
        self.directory = own(pathlib.Path(tempfile.mkdtemp(prefix="pam-", dir=directory)))
        self.directory.chmod(0o755)
        self.name = f"pgweir-e2e-{os.getpid()}-{os.urandom(3).hex()}"
        self.path = pathlib.Path("/etc/pam.d") / self.name
        self.calls = self.directory / "calls"
        self.calls.touch()
        self.calls.chmod(0o666)

    def script(self, name, text):
        path = self.directory / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def serve(self, auth, account="exit 0"):
        """Shell code for each; $PAM_USER and $PAM_RHOST are set, $password is what was said."""
        said = f'password=$(tr -d "\\0"); echo "auth $PAM_USER $PAM_RHOST" >>{self.calls}\n'
        noted = f'echo "account $PAM_USER" >>{self.calls}\n'
        self.path.write_text(
            f"auth required pam_exec.so quiet expose_authtok {self.script('auth', said + auth)}\n"
            f"account required pam_exec.so quiet {self.script('account', noted + account)}\n")
        return self

    def modules(self, text):
        """A service of modules that are there anyway."""
        self.path.write_text(text)
        return self

    def called(self):
        return self.calls.read_text().split("\n")[:-1]

    def close(self):
        self.path.unlink(missing_ok=True)


SLAPD = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {dir}/slapd.pid
argsfile {dir}/slapd.args
TLSCertificateFile {dir}/server.crt
TLSCertificateKeyFile {dir}/server.key
TLSCACertificateFile {dir}/server.crt
database mdb
maxsize 10485760
suffix "dc=example,dc=com"
rootdn "cn=admin,dc=example,dc=com"
rootpw top-secret
directory {dir}/db
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=reader,dc=example,dc=com" read by anonymous read by * none
"""

LDIF = """dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: ou=others,dc=example,dc=com
objectClass: organizationalUnit
ou: others

dn: cn=reader,dc=example,dc=com
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: reads
"""

PERSON = """
dn: uid={dn},ou={ou},dc=example,dc=com
objectClass: inetOrgPerson
uid: {uid}
cn: {uid}
sn: {uid}
mail: {uid}@example.com
userPassword: {password}
"""


def person(uid, password, dn=None, ou="people"):
    return PERSON.format(uid=uid, password=password, dn=dn or uid, ou=ou)


class Ldap:
    """slapd on ports of its own, with its own configuration: never the system's."""

    def __init__(self, directory, *people):
        self.directory = own(pathlib.Path(tempfile.mkdtemp(prefix="ldap-", dir=directory)))
        self.directory.chmod(0o755)
        self.port, self.tls_port = free_port(), free_port()
        self.config = self.directory / "slapd.conf"
        self.config.write_text(SLAPD.format(dir=self.directory))
        own(self.config)
        (self.directory / "db").mkdir()
        own(self.directory / "db")
        self.certificate = self.directory / "server.crt"
        subprocess.run(["openssl", "req", "-new", "-x509", "-days", "2", "-nodes", "-newkey", "rsa:2048", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", self.directory / "server.key", "-out", self.certificate],
                       check=True, capture_output=True)
        for name in ("server.key", "server.crt"):
            own(self.directory / name)
        ldif = self.directory / "start.ldif"
        ldif.write_text(LDIF + "".join(people))
        subprocess.run([self.find("slapadd"), "-f", self.config, "-l", ldif], check=True, capture_output=True,
                       **identity())
        self.log = open(self.directory / "slapd.log", "wb")
        self.process = None
        self.start()

    @staticmethod
    def find(program):
        return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or program

    def start(self):
        urls = f"ldap://127.0.0.1:{self.port}/ ldaps://127.0.0.1:{self.tls_port}/"
        self.process = subprocess.Popen([self.find("slapd"), "-f", self.config, "-h", urls, "-d", "stats"],
                                        stdout=self.log, stderr=self.log, **identity())
        until(self.answers, "slapd answers", 30)

    def answers(self):
        assert self.process.poll() is None, self.said()[-2000:]
        return subprocess.run(["ldapsearch", "-x", "-H", f"ldap://127.0.0.1:{self.port}", "-s", "base", "-b", ""],
                              capture_output=True, check=False).returncode == 0

    def said(self):
        return (self.directory / "slapd.log").read_text(errors="replace")

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Silent:
    """Takes connections and what comes on them, and says nothing."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.taken = []
        self.thread = threading.Thread(target=self.take, daemon=True)
        self.thread.start()

    def take(self):
        while True:
            try:
                self.taken.append(self.listener.accept()[0])
            except OSError:
                return

    def close(self):
        self.listener.close()
        for sock in self.taken:
            sock.close()


def needs_root():
    if RUN_AS is None:
        pytest.skip("not root: no file can be put in /etc/pam.d")


def needs_slapd():
    if not os.path.exists(Ldap.find("slapd")) or not shutil.which("ldapsearch"):
        pytest.skip("slapd and ldap-utils are not here")
