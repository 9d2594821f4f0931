"""Signatures of SNS's messages, which the certificate at their SigningCertURL verifies.

One key for every process, so that the same test gets the same signatures. It protects nothing: its primes are below.
Follows "Verifying the signatures of Amazon SNS messages". Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: moto answers
the certificate's URL from ``_message_public_keys`` of the default account.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime, timezone
from functools import cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

CERTIFICATE: Final = "SimpleNotificationService-7ff5318490ec183fbaddaa2a969abfda.pem"

_SIGNED: Final = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_EXPONENT: Final = 65537
_P: Final = int(
    "fff736e041ef3e424b46dd6cb89878c560f445828854afc4dcf006bcb757b205d7ac53165b6c34e06c558be63ebc827a"
    "89bd2fcdcff87dfc8a55a60ccd8263d9b5367ea0864e761d32ab1358c1a405abf5337da3124fe560082fb2551e09315a"
    "ea82ed852c8a3ab06aef6a9566a485c70e03b00192623ff985c985639c2ee1d7",
    16,
)
_Q: Final = int(
    "bb03719c3bb829d55624d4fbf77f98269d81b0c126fa5fac47cb3958428e4da750b325d3f84e5d10a6436b58d152d2d8"
    "adad21f48a7282c1f28a9846536285def2a0a75a62aa2fd77703a44d386055c3615da5a22363887e8e777e889488b659"
    "ec7223d58382e56531c084620a583fc8bc24718468fb93d8ce48000ce0e0c1a5",
    16,
)


def signature_of(notification: Mapping[str, str | None], version: str) -> str:
    """Return the signature of a notification: of version 1 with SHA-1, of version 2 with SHA-256."""
    signed = "".join(f"{name}\n{notification[name]}\n" for name in _SIGNED if notification.get(name) is not None)
    algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()
    return base64.b64encode(_key().sign(signed.encode(), padding.PKCS1v15(), algorithm)).decode()


def publish_certificate(region: str) -> None:
    """Have moto answer the certificate's URL in a region."""
    sns_backends[DEFAULT_ACCOUNT_ID][region]._message_public_keys[CERTIFICATE] = _certificate()


@cache
def _key() -> rsa.RSAPrivateKey:
    private = pow(_EXPONENT, -1, (_P - 1) * (_Q - 1))
    return rsa.RSAPrivateNumbers(
        p=_P,
        q=_Q,
        d=private,
        dmp1=rsa.rsa_crt_dmp1(private, _P),
        dmq1=rsa.rsa_crt_dmq1(private, _Q),
        iqmp=rsa.rsa_crt_iqmp(_P, _Q),
        public_numbers=rsa.RSAPublicNumbers(_EXPONENT, _P * _Q),
    ).private_key()


@cache
def _certificate() -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Amazon RSA 2048 M01")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(_key().public_key())
        .serial_number(1)
        .not_valid_before(datetime(1980, 1, 1, tzinfo=timezone.utc))
        .not_valid_after(datetime(2200, 1, 1, tzinfo=timezone.utc))
        .sign(_key(), hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)
