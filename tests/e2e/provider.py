"""A sign-in provider (OpenID Connect) on this machine, which takes everybody at the test's word."""

import base64
import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT_ID, CLIENT_SECRET = "leadlight", "an invented client secret"


class Provider:
    """Whoever comes next is `claims`; each sign-in is by a code that counts once."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.claims: dict[str, Any] = {}
        self._codes: dict[str, dict[str, Any]] = {}
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discover),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/jwks", self._jwks),
            ]
        )

    async def _discover(self, _: Request) -> Response:
        addresses = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
        return JSONResponse(
            {
                "issuer": self.url,
                **{name: f"{self.url}/{path}" for name, path in addresses.items()},
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def _authorize(self, request: Request) -> Response:
        asked = request.query_params
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self._codes[code] = {**self.claims, "nonce": asked["nonce"]}
        return RedirectResponse(f"{asked['redirect_uri']}?code={code}&state={asked['state']}", status_code=302)

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        sent = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        assert sent.split(":")[0] == CLIENT_ID
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 3600,
            **self._codes.pop(str(form["code"])),
        }
        token = jwt.encode(claims, self._key, "RS256", headers={"kid": "test"})
        return JSONResponse({"access_token": "none", "token_type": "Bearer", "expires_in": 3600, "id_token": token})

    async def _jwks(self, _: Request) -> Response:
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        return JSONResponse({"keys": [{**key, "kid": "test", "use": "sig", "alg": "RS256"}]})


@contextmanager
def serve_provider() -> Iterator[Provider]:
    """The provider, on a free port, until the end of the block."""
    listening = socket.create_server(("127.0.0.1", 0))
    provider = Provider(f"http://localhost:{listening.getsockname()[1]}")
    server = uvicorn.Server(uvicorn.Config(provider.app(), log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listening],), name="provider")
    thread.start()
    try:
        yield provider
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listening.close()
