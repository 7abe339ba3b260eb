"""Django: migrations, ORM, introspection, its fields for PostgreSQL."""

import datetime
import decimal
import os
import sys
import tempfile
import uuid

import django
from django.conf import settings

from check import check, run

settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["PGDATABASE"], "USER": os.environ["PGUSER"], "PASSWORD": os.environ["PGPASSWORD"],
            "HOST": os.environ["PGHOST"], "PORT": os.environ["PGPORT"],
        }
    },
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "django.contrib.postgres", "shop"],
    MIGRATION_MODULES={"shop": "shop_migrations"},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    TIME_ZONE="UTC",
    SECRET_KEY="x",
)

folder = tempfile.mkdtemp()
for package in ("shop", "shop_migrations"):
    os.makedirs(os.path.join(folder, package))
    open(os.path.join(folder, package, "__init__.py"), "w").close()
open(os.path.join(folder, "shop", "models.py"), "w").close()
sys.path.insert(0, folder)
django.setup()

from django.contrib.postgres.fields import ArrayField  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import IntegrityError, connection, models, transaction  # noqa: E402
from django.db.models import Count, F, Q, Sum, Window  # noqa: E402
from django.db.models.functions import RowNumber, TruncMonth  # noqa: E402


class Author(models.Model):
    name = models.CharField(max_length=40, unique=True)
    tags = ArrayField(models.TextField(), default=list)
    extra = models.JSONField(default=dict)

    class Meta:
        app_label = "shop"


class Book(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")
    title = models.CharField(max_length=200, db_index=True)
    price = models.DecimalField(max_digits=10, decimal_places=2)
    sold = models.DateTimeField()
    took = models.DurationField(default=datetime.timedelta)

    class Meta:
        app_label = "shop"
        constraints = [models.CheckConstraint(condition=Q(price__gte=0), name="book_price_not_negative")]
        indexes = [models.Index(fields=["-sold"], condition=Q(price__gt=1), name="book_sold")]


@check
def the_migrations_of_its_own_apps_run():
    call_command("migrate", verbosity=0)
    assert "auth_user" in connection.introspection.table_names()


@check
def migrations_are_made_and_run():
    call_command("makemigrations", "shop", verbosity=0)
    call_command("migrate", "shop", verbosity=0)
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "shop_book")
    assert found["book_price_not_negative"]["check"] and found["book_sold"]["index"], found


@check
def a_changed_model_is_migrated():
    Author.add_to_class("rating", models.IntegerField(default=3))
    call_command("makemigrations", "shop", verbosity=0)
    call_command("migrate", "shop", verbosity=0)
    call_command("migrate", "shop", check_unapplied=True, verbosity=0)


@check
def objects_go_and_come():
    ada = Author.objects.create(name="Ada", tags=["a", "b"], extra={"x": {"y": 1}})
    when = datetime.datetime(2024, 1, 31, tzinfo=datetime.timezone.utc)
    Book.objects.bulk_create(
        Book(author=ada, title=f"t{n}", price=decimal.Decimal(n) / 4, sold=when + datetime.timedelta(days=n), took=datetime.timedelta(hours=n)) for n in range(40)
    )
    assert Author.objects.get(extra__x__y=1).books.count() == 40
    assert Author.objects.filter(tags__contains=["a"]).exists()
    assert Book.objects.filter(took__gt=datetime.timedelta(hours=38)).count() == 1


@check
def queries_of_many_kinds():
    months = Book.objects.annotate(month=TruncMonth("sold")).values("month").annotate(n=Count("id"), total=Sum("price")).order_by("month")
    assert [row["n"] for row in months] == [1, 29, 10]
    ranked = Book.objects.annotate(place=Window(RowNumber(), order_by=F("price").desc())).order_by("place")
    assert ranked[0].title == "t39"
    assert Book.objects.filter(title__iregex="^T1[0-3]$", title__icontains="1").count() == 4
    assert Book.objects.update(price=F("price") + 1) == 40
    assert list(Author.objects.annotate(n=Count("books", filter=Q(books__price__gt=5))).values_list("n", flat=True)) == [23]
    assert "Scan" in Book.objects.filter(price__gt=1).explain()


@check
def upserts_locks_and_gets_or_creates():
    Author.objects.bulk_create([Author(name="Ada", rating=9)], update_conflicts=True, unique_fields=["name"], update_fields=["rating"])
    with transaction.atomic():
        assert Author.objects.select_for_update(skip_locked=True).get(name="Ada").rating == 9
    assert Author.objects.get_or_create(name="Ada")[1] is False


@check
def transactions_and_savepoints():
    with transaction.atomic():
        try:
            with transaction.atomic():
                Author.objects.create(name="Ada")
            raise AssertionError("no error")
        except IntegrityError:
            pass
        Author.objects.create(name="Bob")
    assert Author.objects.count() == 2


@check
def an_existing_database_is_inspected():
    import io

    out = io.StringIO()
    call_command("inspectdb", "shop_book", stdout=out)
    assert "models.DecimalField(max_digits=10, decimal_places=2)" in out.getvalue() and "models.ForeignKey" in out.getvalue(), out.getvalue()


@check
def rows_are_streamed():
    assert sum(1 for _ in Book.objects.iterator(chunk_size=7)) == 40


@check
def migrations_are_undone():
    call_command("migrate", "shop", "zero", verbosity=0)
    assert "shop_book" not in connection.introspection.table_names()
    call_command("flush", interactive=False, verbosity=0)


run(f"Django {django.__version__}")
