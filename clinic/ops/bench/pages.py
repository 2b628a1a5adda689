"""Somebody who reads pages, signed in as a browser is."""

from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

TIMEOUT_SECONDS = 30


class Reader:
    """Holds the cookies of one login; not to be shared by threads."""

    def __init__(self, port: int, username: str, password: str):
        self._root = f"http://127.0.0.1:{port}"
        self._jar = CookieJar()
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(self._jar))
        self.get("/accounts/login/")
        token = next(cookie.value for cookie in self._jar if cookie.name == "csrftoken")
        form = {"username": username, "password": password, "csrfmiddlewaretoken": token}
        self._opener.open(f"{self._root}/accounts/login/", urlencode(form).encode(), TIMEOUT_SECONDS).close()
        if not any(cookie.name == "sessionid" for cookie in self._jar):
            raise RuntimeError(f"{username} cannot sign in to the pages.")

    def get(self, path: str) -> bytes:
        """A whole page; another status than 2xx raises HTTPError, another page than the one asked for RuntimeError."""
        with self._opener.open(self._root + path, timeout=TIMEOUT_SECONDS) as answer:
            if answer.url != self._root + path:
                raise RuntimeError(f"{path} led to {answer.url}.")
            return answer.read()
