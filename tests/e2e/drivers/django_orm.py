"""Django's own migrations, and its ORM, by threads with a connection each."""

import concurrent.futures
import sys

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"], USE_TZ=True,
    SECRET_KEY="none", DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": sys.argv[1],
                           "NAME": sys.argv[2], "USER": "app", "OPTIONS": {"sslmode": "disable"}}})
django.setup()

from django.contrib.auth.models import Group, Permission, User  # noqa: E402


def work(who):
    """A user with a group, one that is rolled back, and what both leave."""
    try:
        with transaction.atomic():
            user = User.objects.create(username=f"user{who}", first_name=str(who))
            group, _ = Group.objects.get_or_create(name=f"group{who % 4}")
            user.groups.add(group)
            try:
                with transaction.atomic():
                    User.objects.create(username=f"user{who}")
                raise AssertionError("the name is taken")
            except django.db.IntegrityError:
                pass
            assert User.objects.select_for_update().get(username=f"user{who}").pk == user.pk
        for n in range(10):
            User.objects.filter(pk=user.pk).update(last_name=f"{who}.{n}")
            assert User.objects.get(username=f"user{who}").last_name == f"{who}.{n}"
        assert [str(who)] == list(User.objects.filter(pk=user.pk).values_list("first_name", flat=True).iterator())
        return user.pk
    finally:
        connection.close()


call_command("migrate", verbosity=0)
for number in range(4):
    Group.objects.get_or_create(name=f"group{number}")
with concurrent.futures.ThreadPoolExecutor(10) as crew:
    keys = list(crew.map(work, range(20)))
assert len(set(keys)) == 20 == User.objects.count(), keys
assert sorted(g.user_set.count() for g in Group.objects.all()) == [5, 5, 5, 5]
assert Permission.objects.filter(codename="add_user").count() == 1
call_command("migrate", "sessions", "zero", verbosity=0)
assert "django_session" not in connection.introspection.table_names()
print("all is well")
