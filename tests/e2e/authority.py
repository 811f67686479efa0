"""A certificate authority for a test: keys, certificates and lists of what was revoked, as files."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cluster import own

DAY = datetime.timedelta(days=1)


class Pair:
    """A certificate with its key, in two files."""

    def __init__(self, directory, name, certificate, key):
        self.certificate = certificate
        self.cert = directory / f"{name}.crt"
        self.key = directory / f"{name}.key"
        self.cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                               serialization.NoEncryption()))
        self.key.chmod(0o600)
        own(self.cert)
        own(self.key)

    def fingerprint(self):
        return self.certificate.fingerprint(hashes.SHA256())


class Authority:
    """Issues what a test asks for. Owner: the test's fixture."""

    def __init__(self, directory, name="tests' root"):
        directory.mkdir(exist_ok=True)
        directory.chmod(0o755)
        own(directory)
        self.directory = directory
        self.signing = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.revoked = []
        certificate = self._sign(self._builder(self.name, self.signing.public_key(), False).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True).add_extension(
            x509.KeyUsage(True, False, False, False, False, True, True, False, False), critical=True))
        self.cert = directory / "ca.crt"
        self.cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.crl = directory / "ca.crl"
        self.write_crl()
        own(self.cert)

    def _builder(self, subject, public_key, expired):
        now = datetime.datetime.utcnow()
        start, end = (now - 3 * DAY, now - DAY) if expired else (now - DAY, now + 30 * DAY)
        return x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(
            public_key).serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)

    def _sign(self, builder):
        return builder.sign(self.signing, hashes.SHA256())

    def issue(self, name, file=None, sans=(), expired=False, revoked=False, organisation=None):
        """A certificate for a common name; `sans` are host names, addresses or x509.GeneralNames."""
        key = ec.generate_private_key(ec.SECP256R1())
        parts = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        if organisation:
            parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
        builder = self._builder(x509.Name(parts), key.public_key(), expired)
        if sans:
            builder = builder.add_extension(x509.SubjectAlternativeName([general_name(s) for s in sans]), False)
        pair = Pair(self.directory, file or name, self._sign(builder), key)
        if revoked:
            self.revoke(pair)
        return pair

    def revoke(self, pair):
        self.revoked.append(pair.certificate.serial_number)
        self.write_crl()

    def write_crl(self):
        now = datetime.datetime.utcnow()
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.name).last_update(
            now - DAY).next_update(now + 30 * DAY)
        for serial in self.revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - DAY).build())
        self.crl.write_bytes(builder.sign(self.signing, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        own(self.crl)


def general_name(name):
    if isinstance(name, x509.GeneralName):
        return name
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
