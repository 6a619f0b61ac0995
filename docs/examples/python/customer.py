"""A customer's client of Colloquio: joins, talks, goes away, catches up and logs out.

    python3 customer.py http://localhost:3000 CODE

CODE is the last part of an invitation's link. See README.md beside this file.
"""

import sys
import threading
import uuid

import requests
import socketio


class Customer:
    """One device of a customer. What it holds of each conversation equals a fresh load after every catch_up()."""

    def __init__(self, url):
        self.url = url
        self.http = requests.Session()
        self.token = None
        self.synced_at = None
        self.revisions = {}  # by conversation: up to which revision it is held
        self.messages = {}  # by conversation: by seq
        self.lock = threading.RLock()
        self.socket = None

    def ask(self, method, path, **parts):
        answer = self.http.request(method, self.url + path, timeout=30, **parts)
        if answer.status_code >= 400:
            problem = answer.json()
            raise RuntimeError(f"{method} {path}: {problem['code']}: {problem['detail']}")
        return answer.json() if answer.content else None

    # Joining

    def join(self, code, first_name, surname, email, password):
        invitation = self.ask("GET", f"/api/invitations/by-code/{code}", params={"locale": "en"})
        print(f"{invitation['businessName']} invites")
        consents = [{"policyId": each["id"], "purpose": each["purpose"]} for each in invitation["policies"]]
        joined = self.ask(
            "POST",
            f"/api/invitations/by-code/{code}/acceptance",
            json={
                "firstName": first_name,
                "surname": surname,
                "email": email,
                "password": password,
                "ageConfirmed": True,
                "locale": "en",
                "consents": consents,
            },
        )
        self.token = joined["session"]["token"]
        self.http.headers["Authorization"] = f"Bearer {self.token}"
        return joined["contact"]["id"]  # also the id of the conversation

    # Talking

    def connect(self):
        self.socket = socketio.Client()
        self.socket.on("message.sent", self.on_message)
        self.socket.on("message.withdrawn", lambda told: self.fetch(told["conversationId"]))
        # Whatever is told from here on is heard, so what is missing is asked for afterwards.
        self.socket.connect(self.url, auth={"token": self.token}, wait_timeout=30)
        self.catch_up()

    def send(self, conversation, body):
        """Sends once, however often it has to be tried: the same clientId is stored once."""
        message = {"conversationId": conversation, "clientId": str(uuid.uuid4()), "body": body}
        for attempt in range(5):
            try:
                answer = self.socket.call("message.send", message, timeout=10)
            except socketio.exceptions.TimeoutError:
                continue
            if "error" not in answer:
                return answer["data"]["seq"]
            if answer["error"]["code"] not in ("internal", "unavailable", "overloaded", "rate_limited"):
                raise RuntimeError(answer["error"]["detail"])
            self.socket.sleep(answer["error"].get("retryAfter", 2**attempt))
        raise RuntimeError("the message could not be sent")

    def on_message(self, told):
        conversation = told["conversationId"]
        with self.lock:
            if told["revision"] != self.revisions.get(conversation, 0) + 1:
                # Something in between is missing, or the message is held already.
                return self.fetch(conversation)
            self.hold(conversation, told)
            self.revisions[conversation] = told["revision"]
        self.acknowledge(conversation)

    def acknowledge(self, conversation):
        """Says that everything held was delivered and seen."""
        with self.lock:
            last = max(self.messages.get(conversation, {0: None}))
        if last:
            receipt = {"deliveredSeq": last, "seenSeq": last}
            self.ask("PUT", f"/api/conversations/{conversation}/receipt", json=receipt)

    # Catching up

    def catch_up(self):
        """Asks for the conversations that changed since the last time, and for what changed in each."""
        since = {"changedSince": self.synced_at} if self.synced_at else {}
        heads, synced_at = self.pages("/api/conversations", since)
        for head in heads:
            if head["revision"] > self.revisions.get(head["id"], 0):
                self.fetch(head["id"])
        self.synced_at = synced_at

    def fetch(self, conversation):
        with self.lock:
            after = {"changedAfter": self.revisions.get(conversation, 0)}
            changed, _ = self.pages(f"/api/conversations/{conversation}/messages", after)
            for message in changed:
                self.hold(conversation, message)
                self.revisions[conversation] = max(self.revisions.get(conversation, 0), message["revision"])
        self.acknowledge(conversation)

    def hold(self, conversation, message):
        held = self.messages.setdefault(conversation, {})
        known = held.get(message["seq"])
        if not known or known["revision"] < message["revision"]:
            held[message["seq"]] = message

    def pages(self, path, parameters):
        """All items of a list, and the syncedAt of its first page. A cursor carries the parameters."""
        page = self.ask("GET", path, params=parameters)
        items, synced_at = page["items"], page.get("syncedAt")
        while page["nextCursor"]:
            page = self.ask("GET", path, params={"cursor": page["nextCursor"]})
            items += page["items"]
        return items, synced_at

    # Leaving

    def disconnect(self):
        self.socket.disconnect()

    def log_out(self):
        self.disconnect()
        self.ask("DELETE", "/api/sessions/current")


def main(url, code):
    customer = Customer(url)
    email = f"ada.{uuid.uuid4().hex[:8]}@person.example"
    conversation = customer.join(code, "Ada", "Neri", email, "ombrello-3-tartaruga")
    customer.connect()
    print("sent as number", customer.send(conversation, "Good morning, are you open today?"))

    print("away; press Enter (or close the input) to come back")
    customer.disconnect()
    sys.stdin.readline()

    customer.connect()
    for seq, message in sorted(customer.messages[conversation].items()):
        print(f"{seq} {message['sender']}: {message['body']}")
    customer.log_out()
    print("logged out")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), sys.argv[2])
